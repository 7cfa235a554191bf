/* Eight blocks of ChaCha20 at a time in AVX2: register i holds word i of all eight states, as in M. Goll, S. Gueron,
 * "Vectorization on ChaCha stream cipher", 2014. Sixteen blocks are two interleaved sets of states: there are only
 * sixteen registers, so half of the words then live in memory, but a single set waits for results half of the time. */
#ifndef WG_CHACHA20_AVX2_H
#define WG_CHACHA20_AVX2_H

#include "crypto/chacha20.h"
#include "crypto/simd_avx2.h"

always_inline void quarter_round(vec *a, vec *b, vec *c, vec *d)
{
	*a = vec_add(*a, *b);
	GCC_VECTOR_BARRIER(*a);
	*d = vec_rotl(vec_xor(*d, *a), 16);
	GCC_VECTOR_BARRIER(*d);
	*c = vec_add(*c, *d);
	GCC_VECTOR_BARRIER(*c);
	*b = vec_rotl(vec_xor(*b, *c), 12);
	GCC_VECTOR_BARRIER(*b);
	*a = vec_add(*a, *b);
	GCC_VECTOR_BARRIER(*a);
	*d = vec_rotl(vec_xor(*d, *a), 8);
	GCC_VECTOR_BARRIER(*d);
	*c = vec_add(*c, *d);
	GCC_VECTOR_BARRIER(*c);
	*b = vec_rotl(vec_xor(*b, *c), 7);
	GCC_VECTOR_BARRIER(*b);
}

always_inline void column_rounds(vec x[16])
{
	quarter_round(&x[0], &x[4], &x[8], &x[12]);
	quarter_round(&x[1], &x[5], &x[9], &x[13]);
	quarter_round(&x[2], &x[6], &x[10], &x[14]);
	quarter_round(&x[3], &x[7], &x[11], &x[15]);
}

always_inline void diagonal_rounds(vec x[16])
{
	quarter_round(&x[0], &x[5], &x[10], &x[15]);
	quarter_round(&x[1], &x[6], &x[11], &x[12]);
	quarter_round(&x[2], &x[7], &x[8], &x[13]);
	quarter_round(&x[3], &x[4], &x[9], &x[14]);
}

/* last[k][i] is word 12 + k of lane i: block counters and nonces. Lanes 8-15 are the second set. */
enum { CHACHA_AVX2_LANES = 2 * VEC_LANES };

always_inline vec initial_word(const struct chacha20 *s, uint32_t last[4][CHACHA_AVX2_LANES], int i, int set)
{
	return i < 12 ? vec_set1(s->w[i]) : vec_load(&last[i - 12][8 * set]);
}

always_inline void load_states(vec x[16], const struct chacha20 *s, uint32_t last[4][CHACHA_AVX2_LANES],
			       int set)
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = initial_word(s, last, i, set);
}

always_inline void store_stream(uint8_t stream[512], vec x[16], const struct chacha20 *s,
				uint32_t last[4][CHACHA_AVX2_LANES], int set)
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = vec_add(x[i], initial_word(s, last, i, set));
	UNROLL
	for (int half = 0; half < 2; half++) {
		vec_transpose(&x[8 * half]);
		UNROLL
		for (int i = 0; i < 8; i++)
			vec_store(stream + 64 * i + 32 * half, x[8 * half + i]);
	}
}

/* The key stream of the first eight lanes. */
always_inline void blocks8(uint8_t stream[512], const struct chacha20 *s,
			   uint32_t last[4][CHACHA_AVX2_LANES])
{
	vec x[16];

	load_states(x, s, last, 0);
	for (int i = 0; i < 10; i++) {
		column_rounds(x);
		diagonal_rounds(x);
	}
	store_stream(stream, x, s, last, 0);
}

/* The key stream of all sixteen lanes. */
always_inline void blocks16(uint8_t stream[1024], const struct chacha20 *s,
			    uint32_t last[4][CHACHA_AVX2_LANES])
{
	vec x[16], y[16];

	load_states(x, s, last, 0);
	load_states(y, s, last, 1);
	for (int i = 0; i < 10; i++) {
		column_rounds(x);
		column_rounds(y);
		diagonal_rounds(x);
		diagonal_rounds(y);
	}
	store_stream(stream, x, s, last, 0);
	store_stream(stream + 512, y, s, last, 1);
}

/* dst = src ^ stream, n bytes. */
always_inline void xor_bytes(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	for (; n >= 32; n -= 32, dst += 32, src += 32, stream += 32)
		vec_store(dst, vec_xor(vec_load(src), vec_load(stream)));
	if (n >= 16) {
		_mm_storeu_si128((void *)dst, _mm_xor_si128(_mm_loadu_si128((const void *)src),
							    _mm_loadu_si128((const void *)stream)));
		n -= 16, dst += 16, src += 16, stream += 16;
	}
	if (n >= 8) {
		store_le64(dst, load_le64(src) ^ load_le64(stream));
		n -= 8, dst += 8, src += 8, stream += 8;
	}
	NO_VECTORIZE
	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] ^ stream[i];
}

#endif
