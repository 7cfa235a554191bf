/* Inner IP packets: what the header says, padding (whitepaper 5.4.6), and ECN across the tunnel
 * (RFC 6040). */
#ifndef WG_PACKET_H
#define WG_PACKET_H

#include "base/addr.h"

enum { PACKET_CLAIMED_MIN = 20 };

struct packet_ip {
	enum ip_family family;
	uint8_t tos;
	const uint8_t *source, *destination; /* ip_bytes of the family each */
	uint32_t claimed; /* length by its own header */
};

/* False: no version 4 or 6, or shorter than such a header. Does not look whether `claimed` is true. */
must_check bool packet_parse(struct packet_ip *out, const uint8_t *p, size_t n);

/* n and the zeros after it: a multiple of 16, but never beyond the MTU (0: no limit). */
size_t packet_padded(size_t n, size_t mtu);

/* The outer TOS byte: only ECN passes, and congestion experienced so far stays inside. */
uint8_t packet_outer_tos(uint8_t inner_tos);
/* Carries congestion the tunnel experienced into the inner packet, checksum included. */
void packet_merge_ecn(uint8_t *p, const struct packet_ip *ip, uint8_t outer_tos);

#endif
