/* SipHash-1-3 of what identifies a flow. */
#include "flow_hash.h"

enum {
	IP4_HEADER = 20, IP6_HEADER = 40,
	WORDS_MAX = 5, /* two IPv6 addresses; ports and protocol */
	TCP = 6, UDP = 17, DCCP = 33, SCTP = 132, UDP_LITE = 136,
};

static uint64_t rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t sip_hash(const struct flow_seed *seed, const uint64_t *words, unsigned int n)
{
	uint64_t v[4] = { seed->a ^ 0x736f6d6570736575, seed->b ^ 0x646f72616e646f6d,
			  seed->a ^ 0x6c7967656e657261, seed->b ^ 0x7465646279746573 };

	for (unsigned int i = 0; i <= n; i++) {
		uint64_t word = i < n ? words[i] : (uint64_t)(8 * n) << 56;
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (unsigned int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t ports(uint8_t protocol, const uint8_t *l4, size_t n)
{
	switch (protocol) {
	case TCP: case UDP: case DCCP: case SCTP: case UDP_LITE:
		return n >= 4 ? load_le32(l4) : 0;
	default:
		return 0;
	}
}

uint64_t flow_hash(const struct flow_seed *seed, const uint8_t *p, size_t n)
{
	uint64_t words[WORDS_MAX] = { 0 };

	if (n >= IP4_HEADER && p[0] >> 4 == 4) {
		size_t header = (size_t)(p[0] & 15) * 4;
		bool is_fragment = ((p[6] & 0x3f) | p[7]) != 0; /* more fragments, or an offset */
		words[0] = load_le64(p + 12);
		words[1] = p[9];
		if (!is_fragment && header >= IP4_HEADER && header <= n)
			words[1] |= (uint64_t)ports(p[9], p + header, n - header) << 32;
		return sip_hash(seed, words, 2);
	}
	if (n >= IP6_HEADER && p[0] >> 4 == 6) {
		for (unsigned int i = 0; i < 4; i++)
			words[i] = load_le64(p + 8 + 8 * i);
		words[4] = p[6] | (uint64_t)ports(p[6], p + IP6_HEADER, n - IP6_HEADER) << 32;
		return sip_hash(seed, words, 5);
	}
	return sip_hash(seed, words, 0);
}
