/* Inner IP packets: parsing, padding, ECN. */
#include "packet.h"

enum { V4_HEADER = 20, V6_HEADER = 40, PADDING = 16 };
enum { ECN_MASK = 3, ECN_NOT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

bool packet_parse(struct packet_ip *out, const uint8_t *p, size_t n)
{
	unsigned int version = n > 0 ? p[0] >> 4 : 0;

	if (version == 4 && n >= V4_HEADER) {
		out->family = IP_V4;
		out->tos = p[1];
		out->source = p + 12;
		out->destination = p + 16;
		out->claimed = load_be16(p + 2);
		return true;
	}
	if (version == 6 && n >= V6_HEADER) {
		out->family = IP_V6;
		out->tos = (uint8_t)(load_be16(p) >> 4);
		out->source = p + 8;
		out->destination = p + 24;
		out->claimed = V6_HEADER + (uint32_t)load_be16(p + 4);
		return true;
	}
	return false;
}

size_t packet_padded(size_t n, size_t mtu)
{
	size_t last = mtu && n > mtu ? n % mtu : n;
	size_t padded = (last + PADDING - 1) & ~(size_t)(PADDING - 1);

	if (mtu && padded > mtu)
		padded = mtu;
	return n + (padded - last);
}

uint8_t packet_outer_tos(uint8_t inner_tos)
{
	uint8_t ecn = inner_tos & ECN_MASK;

	return ecn == ECN_CE ? ECN_ECT0 : ecn;
}

/* The new inner ECN field (RFC 6040 figure 4), except that a packet that the figure drops (not-ECT
 * inside, CE outside) passes unchanged, as in the Linux kernel. */
static uint8_t merged(uint8_t inner, uint8_t outer)
{
	if (inner == ECN_NOT || inner == ECN_CE)
		return inner;
	if (outer == ECN_CE)
		return ECN_CE;
	return outer == ECN_ECT1 ? ECN_ECT1 : inner;
}

void packet_merge_ecn(uint8_t *p, const struct packet_ip *ip, uint8_t outer_tos)
{
	uint8_t inner = ip->tos & ECN_MASK, ecn = merged(inner, outer_tos & ECN_MASK);
	uint32_t checksum;

	if (ecn == inner)
		return;
	if (ip->family == IP_V6) {
		p[1] = (uint8_t)((p[1] & ~(ECN_MASK << 4)) | ecn << 4);
		return;
	}
	p[1] = (uint8_t)((p[1] & ~ECN_MASK) | ecn);
	/* RFC 1624: HC' = ~(~HC + ~m + m'), where only the low byte of m differs */
	checksum = (uint16_t)~load_be16(p + 10) + (uint16_t)~inner + ecn;
	checksum = (checksum & 0xffff) + (checksum >> 16);
	checksum = (checksum & 0xffff) + (checksum >> 16);
	store_be16(p + 10, (uint16_t)~checksum);
}
