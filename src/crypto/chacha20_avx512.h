/* Sixteen blocks of ChaCha20 at once in AVX-512: word i of all of them in one register. */
#ifndef WG_CHACHA20_AVX512_H
#define WG_CHACHA20_AVX512_H

#include <immintrin.h>
#include "impl.h"

/* Written out, without loops, so that x is in registers from one double round to the next. */
#define MIX(a, b, d, n)                                                                    \
	(x[a] = _mm512_add_epi32(x[a], x[b]),                                              \
	 x[d] = _mm512_rol_epi32(_mm512_xor_si512(x[d], x[a]), n))

always_inline void double_round512(__m512i x[16])
{
	MIX(0, 4, 12, 16), MIX(1, 5, 13, 16), MIX(2, 6, 14, 16), MIX(3, 7, 15, 16);
	MIX(8, 12, 4, 12), MIX(9, 13, 5, 12), MIX(10, 14, 6, 12), MIX(11, 15, 7, 12);
	MIX(0, 4, 12, 8), MIX(1, 5, 13, 8), MIX(2, 6, 14, 8), MIX(3, 7, 15, 8);
	MIX(8, 12, 4, 7), MIX(9, 13, 5, 7), MIX(10, 14, 6, 7), MIX(11, 15, 7, 7);
	MIX(0, 5, 15, 16), MIX(1, 6, 12, 16), MIX(2, 7, 13, 16), MIX(3, 4, 14, 16);
	MIX(10, 15, 5, 12), MIX(11, 12, 6, 12), MIX(8, 13, 7, 12), MIX(9, 14, 4, 12);
	MIX(0, 5, 15, 8), MIX(1, 6, 12, 8), MIX(2, 7, 13, 8), MIX(3, 4, 14, 8);
	MIX(10, 15, 5, 7), MIX(11, 12, 6, 7), MIX(8, 13, 7, 7), MIX(9, 14, 4, 7);
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

/* Twice 16 blocks side by side: one set waits for its results half of the time. */
always_inline void blocks512_twice(uint8_t stream[2048], const struct chacha20 *s,
				   __m512i last[2][4])
{
	__m512i x[16], y[16];

	start512(x, s, last[0]);
	start512(y, s, last[1]);
	for (int i = 0; i < 10; i++) {
		double_round512(x);
		double_round512(y);
	}
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
