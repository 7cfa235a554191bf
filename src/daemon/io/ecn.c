/* The ECN field: the last two bits of the IPv4 type of service, or of the IPv6 traffic class (RFC 3168, 5). */
#include "ecn.h"

#include <assert.h>

enum { IP4_HEADER = 20, IP6_HEADER = 40, CE = 3 };

static unsigned int field_of(const uint8_t *p)
{
	return p[0] >> 4 == 6 ? p[1] >> 4 & CE : p[1] & CE;
}

bool ecn_is_capable(const uint8_t *p, size_t n)
{
	bool is_ip = (n >= IP4_HEADER && p[0] >> 4 == 4) || (n >= IP6_HEADER && p[0] >> 4 == 6);

	return is_ip && field_of(p) != 0;
}

/* The header checksum changes as the word does (RFC 1624, equation 3). */
static void adjust_checksum(uint8_t *p, uint16_t before)
{
	uint32_t sum = (uint16_t)~load_be16(p + 10) + (uint32_t)(uint16_t)~before + load_be16(p);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(p + 10, (uint16_t)~sum);
}

void ecn_mark(uint8_t *p)
{
	uint16_t before = load_be16(p);

	assert(field_of(p) != 0);
	if (p[0] >> 4 == 6) {
		p[1] |= CE << 4;
		return;
	}
	p[1] |= CE;
	adjust_checksum(p, before);
}
