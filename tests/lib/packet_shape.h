/* IP packets for tests, built from a description of their fields, and reference checksums. */
#ifndef TEST_PACKET_SHAPE_H
#define TEST_PACKET_SHAPE_H

#include "base/base.h"

enum { SHAPE_V4 = 20, SHAPE_V6 = 40 }; /* bytes of IP header */

struct shape {
	bool v6, udp;
	uint8_t tos, ttl, flags; /* flags: of TCP */
	bool df;
	uint16_t id, port, window;
	uint32_t seq, ack, flow;
	uint32_t options; /* bytes of TCP options */
	uint32_t payload;
	uint8_t fill;     /* its first byte */
};

extern const struct shape shape_plain; /* TCP, 100 bytes, from 10.0.0.1 or fd00::1 */

/* The checksum of RFC 1071, word by word. */
uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t n);
/* The sum over the TCP or UDP segment with its pseudo-header: 0xffff if its checksum is correct. */
uint16_t slow_l4_sum(const uint8_t *p, size_t n, bool v6);

uint32_t shape_header_bytes(const struct shape *s);
/* Writes a valid packet of that shape; returns its size. */
uint32_t shape_make(uint8_t *p, const struct shape *s);

/* Writes a valid packet of TCP or UDP in VXLAN; of the outer shape, `payload` is ignored. Without `checksum`, the outer
 * UDP header has none. Returns its size; the inner IP header is behind the outer one and SHAPE_VXLAN bytes. */
enum { SHAPE_VXLAN = 8 + 8 + 14 }; /* UDP, VXLAN, Ethernet */
uint32_t shape_make_vxlan(uint8_t *p, const struct shape *outer, const struct shape *inner, bool checksum);

#endif
