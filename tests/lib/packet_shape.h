/* IP packets for tests: described by a few fields, made right in every byte, checked the slow way. */
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

/* RFC 1071 as it is written. */
uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t n);
/* Of the TCP or UDP part with its pseudo header: 0xffff when the checksum is right. */
uint16_t slow_l4_sum(const uint8_t *p, size_t n, bool v6);

uint32_t shape_header_bytes(const struct shape *s);
/* A right packet of that shape; returns its size. */
uint32_t shape_make(uint8_t *p, const struct shape *s);

#endif
