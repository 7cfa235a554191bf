/* BLAKE2s compression (RFC 7693 section 3.2) in portable C. */
#include "crypto/blake2s.h"

const uint32_t blake2s_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
const uint8_t blake2s_sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

always_inline uint32_t rotr(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

always_inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
	v[a] += v[b] + x;
	v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotr(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 7);
}

always_inline void ten_rounds(uint32_t v[16], const uint32_t m[16])
{
	UNROLL /* so that the message schedule becomes constant offsets */
	for (int i = 0; i < 10; i++) {
		const uint8_t *s = blake2s_sigma[i];
		mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
}

void blake2s_compress_portable(uint32_t h[8], const uint8_t *p, size_t blocks, uint64_t count,
			       bool last)
{
	uint32_t v[16], m[16];

	for (; blocks > 0; blocks--, p += BLAKE2S_BLOCK_BYTES, count += BLAKE2S_BLOCK_BYTES) {
		for (int i = 0; i < 16; i++)
			m[i] = load_le32(p + 4 * i);
		memcpy(v, h, 32);
		memcpy(v + 8, blake2s_iv, 32);
		v[12] ^= (uint32_t)count;
		v[13] ^= (uint32_t)(count >> 32);
		v[14] ^= last ? UINT32_MAX : 0;
		ten_rounds(v, m);
		for (int i = 0; i < 8; i++)
			h[i] ^= v[i] ^ v[8 + i];
	}
	mem_wipe(v, sizeof v);
	mem_wipe(m, sizeof m);
}

void blake2s_lanes_portable(struct blake2s_lane *lanes, size_t n)
{
	uint8_t tail[BLAKE2S_BLOCK_BYTES];

	for (struct blake2s_lane *l = lanes; l < lanes + n; l++) {
		size_t whole = (l->n - 1) / BLAKE2S_BLOCK_BYTES, at = whole * BLAKE2S_BLOCK_BYTES;

		assert(l->n > 0 && (l->last || l->n % BLAKE2S_BLOCK_BYTES == 0));
		memcpy(l->out, l->h, sizeof l->out);
		if (whole > 0)
			blake2s_compress_portable(l->out, l->p, whole,
						  l->before + BLAKE2S_BLOCK_BYTES, false);
		memset(tail, 0, sizeof tail);
		memcpy(tail, l->p + at, l->n - at);
		blake2s_compress_portable(l->out, tail, 1, (uint64_t)l->before + l->n, l->last);
	}
	mem_wipe(tail, sizeof tail);
}
