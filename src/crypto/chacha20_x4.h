/* Four blocks of ChaCha20 at once in 128-bit registers: word i of all of them in one register. The
 * file that includes this defines the type v4 and add4, xor4, rotl4, set4, load4, store4 and
 * transpose4. */
#ifndef WG_CHACHA20_X4_H
#define WG_CHACHA20_X4_H

#include "impl.h"

always_inline void quarter4(v4 *a, v4 *b, v4 *c, v4 *d)
{
	*a = add4(*a, *b);
	*d = rotl4(xor4(*d, *a), 16);
	*c = add4(*c, *d);
	*b = rotl4(xor4(*b, *c), 12);
	*a = add4(*a, *b);
	*d = rotl4(xor4(*d, *a), 8);
	*c = add4(*c, *d);
	*b = rotl4(xor4(*b, *c), 7);
}

/* The stream of four blocks; last[i] holds word 12 + i of each: counters and nonces. */
always_inline void blocks4(uint8_t stream[256], const struct chacha20 *s, uint32_t last[4][4])
{
	v4 x[16];

	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = i < 12 ? set4(s->w[i]) : load4((const uint8_t *)last[i - 12]);
	for (int i = 0; i < 10; i++) {
		quarter4(&x[0], &x[4], &x[8], &x[12]);
		quarter4(&x[1], &x[5], &x[9], &x[13]);
		quarter4(&x[2], &x[6], &x[10], &x[14]);
		quarter4(&x[3], &x[7], &x[11], &x[15]);
		quarter4(&x[0], &x[5], &x[10], &x[15]);
		quarter4(&x[1], &x[6], &x[11], &x[12]);
		quarter4(&x[2], &x[7], &x[8], &x[13]);
		quarter4(&x[3], &x[4], &x[9], &x[14]);
	}
	UNROLL
	for (int i = 0; i < 16; i += 4) {
		UNROLL
		for (int k = i; k < i + 4; k++)
			x[k] = add4(x[k], k < 12 ? set4(s->w[k]) : load4((const uint8_t *)last[k - 12]));
		transpose4(&x[i]);
		UNROLL
		for (int k = 0; k < 4; k++)
			store4(stream + 64 * k + 4 * i, x[i + k]);
	}
}

/* dst = src ^ stream. */
always_inline void xor_bytes4(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	for (; n >= 16; n -= 16, dst += 16, src += 16, stream += 16)
		store4(dst, xor4(load4(src), load4(stream)));
	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] ^ stream[i];
}

always_inline void chacha20_xor_x4(uint8_t *dst, const uint8_t *src, size_t n,
				   const struct chacha20 *s)
{
	uint8_t stream[4 * CHACHA_BLOCK_BYTES] __attribute__((aligned(16)));
	uint32_t last[4][4];

	for (uint32_t i = 0; i < 4; i++) {
		last[0][i] = s->w[12] + i;
		for (int k = 1; k < 4; k++)
			last[k][i] = s->w[12 + k];
	}
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		blocks4(stream, s, last);
		xor_bytes4(dst, src, stream, now);
		for (int i = 0; i < 4; i++)
			last[0][i] += 4;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}

#endif
