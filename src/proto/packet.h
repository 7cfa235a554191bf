/* Inner IP packets: header fields (RFC 791, RFC 8200), padding (whitepaper section 5.4.6), and ECN
 * across the tunnel (RFC 6040). */
#ifndef WG_PACKET_H
#define WG_PACKET_H

#include "base/addr.h"

enum { PACKET_CLAIMED_MIN = 20 }; /* no shorter length in a header is valid */

struct packet_ip {
	enum ip_family family;
	uint8_t tos;
	const uint8_t *source, *destination; /* in the packet; 4 or 16 bytes, by family */
	uint32_t claimed; /* length of the whole packet, as its header states it */
};

/* False: neither version 4 nor 6, or shorter than such a header. Does not compare `claimed` with n. */
must_check bool packet_parse(struct packet_ip *out, const uint8_t *p, size_t n);

/* n and its padding: the next multiple of 16, but not more than the MTU (0: no limit). A packet
 * longer than the MTU is padded as its last fragment would be. */
size_t packet_padded(size_t n, size_t mtu);

/* The outer TOS byte: DSCP 0 and the ECN field, with CE sent as ECT(0) (RFC 6040 section 4.1). */
uint8_t packet_outer_tos(uint8_t inner_tos);
/* Merges a congestion mark of the outer header into the packet at p (RFC 6040 section 4.2) and
 * updates its checksum. */
void packet_merge_ecn(uint8_t *p, const struct packet_ip *ip, uint8_t outer_tos);

#endif
