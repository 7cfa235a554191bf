/* Sixteen blocks of ChaCha20 at once in AVX-512: word i of all of them in one register. */
#ifndef WG_CHACHA20_AVX512_H
#define WG_CHACHA20_AVX512_H

#include <immintrin.h>
#include "crypto/impl.h"

/* Word i of a row of four; rows of a diagonal round begin one, two, three words later. */
#define AT(row, i, turned) (4 * (row) + ((i) + (row) * (turned)) % 4)
#define ADD(x, a, b)                                   \
	do {                                           \
		x[a] = _mm512_add_epi32(x[a], x[b]);   \
		SETTLE(x[a]);                          \
	} while (0)
#define MIX(x, d, a, n)                                                             \
	do {                                                                        \
		x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), n);           \
		SETTLE(x[d]);                                                       \
	} while (0)

/* A step of the four quarter rounds: a += b, d = (d ^ a) <<< n, each a row of words. Written out, without
 * loops, so that x is in registers from one double round to the next. */
#define STEP(x, a, b, d, n, turned)                                                           \
	do {                                                                                  \
		ADD(x, AT(a, 0, turned), AT(b, 0, turned));                                   \
		ADD(x, AT(a, 1, turned), AT(b, 1, turned));                                   \
		ADD(x, AT(a, 2, turned), AT(b, 2, turned));                                   \
		ADD(x, AT(a, 3, turned), AT(b, 3, turned));                                   \
		MIX(x, AT(d, 0, turned), AT(a, 0, turned), n);                                \
		MIX(x, AT(d, 1, turned), AT(a, 1, turned), n);                                \
		MIX(x, AT(d, 2, turned), AT(a, 2, turned), n);                                \
		MIX(x, AT(d, 3, turned), AT(a, 3, turned), n);                                \
	} while (0)

always_inline void double_round512(__m512i x[16])
{
	STEP(x, 0, 1, 3, 16, 0);
	STEP(x, 2, 3, 1, 12, 0);
	STEP(x, 0, 1, 3, 8, 0);
	STEP(x, 2, 3, 1, 7, 0);
	STEP(x, 0, 1, 3, 16, 1);
	STEP(x, 2, 3, 1, 12, 1);
	STEP(x, 0, 1, 3, 8, 1);
	STEP(x, 2, 3, 1, 7, 1);
}

/* The same of two sets: while one waits for its results, the other has work. */
#define STEP_BOTH(...)             \
	do {                       \
		STEP(x, __VA_ARGS__); \
		STEP(y, __VA_ARGS__); \
	} while (0)

always_inline void double_round512_twice(__m512i x[16], __m512i y[16])
{
	STEP_BOTH(0, 1, 3, 16, 0);
	STEP_BOTH(2, 3, 1, 12, 0);
	STEP_BOTH(0, 1, 3, 8, 0);
	STEP_BOTH(2, 3, 1, 7, 0);
	STEP_BOTH(0, 1, 3, 16, 1);
	STEP_BOTH(2, 3, 1, 12, 1);
	STEP_BOTH(0, 1, 3, 8, 1);
	STEP_BOTH(2, 3, 1, 7, 1);
}

/* From x[word] with one block per 32-bit lane to one block per register. */
always_inline void transpose512(__m512i x[16])
{
	__m512i t[16];

	UNROLL
	for (int i = 0; i < 16; i += 4) {
		__m512i a = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		__m512i b = _mm512_unpackhi_epi32(x[i], x[i + 1]);
		__m512i c = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]);
		__m512i d = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
		t[i] = _mm512_unpacklo_epi64(a, c); /* words i.. of blocks 0 4 8 12 */
		t[i + 1] = _mm512_unpackhi_epi64(a, c);
		t[i + 2] = _mm512_unpacklo_epi64(b, d);
		t[i + 3] = _mm512_unpackhi_epi64(b, d);
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		__m512i a = _mm512_shuffle_i32x4(t[i], t[4 + i], 0x44);
		__m512i b = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0x44);
		__m512i c = _mm512_shuffle_i32x4(t[i], t[4 + i], 0xee);
		__m512i d = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0xee);
		x[i] = _mm512_shuffle_i32x4(a, b, 0x88);
		x[4 + i] = _mm512_shuffle_i32x4(a, b, 0xdd);
		x[8 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
		x[12 + i] = _mm512_shuffle_i32x4(c, d, 0xdd);
	}
}

always_inline void start512(__m512i x[16], const struct chacha20 *s, const __m512i last[4])
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = i < 12 ? _mm512_set1_epi32((int)s->w[i]) : last[i - 12];
}

always_inline void finish512(uint8_t stream[1024], __m512i x[16], const struct chacha20 *s,
			     const __m512i last[4])
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = _mm512_add_epi32(x[i], i < 12 ? _mm512_set1_epi32((int)s->w[i]) :
						       last[i - 12]);
	transpose512(x);
	UNROLL
	for (int i = 0; i < 16; i++)
		_mm512_store_si512(stream + 64 * i, x[i]);
}

/* The stream of 16 blocks; last[0..3] are words 12-15 of each: counter and nonce. */
always_inline void blocks512(uint8_t stream[1024], const struct chacha20 *s, const __m512i last[4])
{
	__m512i x[16];

	start512(x, s, last);
	for (int i = 0; i < 10; i++)
		double_round512(x);
	finish512(stream, x, s, last);
}

/* Twice 16 blocks side by side. */
always_inline void blocks512_twice(uint8_t stream[2048], const struct chacha20 *s,
				   __m512i last[2][4])
{
	__m512i x[16], y[16];

	start512(x, s, last[0]);
	start512(y, s, last[1]);
	for (int i = 0; i < 10; i++)
		double_round512_twice(x, y);
	finish512(stream, x, s, last[0]);
	finish512(stream + 1024, y, s, last[1]);
}

/* dst = src ^ stream, n bytes; the last block through a mask, which never touches what lies behind. */
always_inline void xor512(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	for (; n >= 64; n -= 64, dst += 64, src += 64, stream += 64)
		_mm512_storeu_si512(dst, _mm512_xor_si512(_mm512_loadu_si512(src),
							  _mm512_load_si512(stream)));
	if (n > 0) {
		__mmask64 m = ((__mmask64)1 << n) - 1;
		_mm512_mask_storeu_epi8(dst, m, _mm512_xor_si512(_mm512_maskz_loadu_epi8(m, src),
								 _mm512_load_si512(stream)));
	}
}

#endif
