/* Sixteen blocks of ChaCha20 at once in AVX-512: word i of all of them in one register. */
#ifndef WG_CHACHA20_AVX512_H
#define WG_CHACHA20_AVX512_H

#include <immintrin.h>
#include "impl.h"

/* Four quarter rounds side by side, a step of each in turn: their chains hide each other. */
always_inline void quarters512(__m512i x[16], const int a[4], const int b[4], const int c[4],
			       const int d[4])
{
	UNROLL
	for (int half = 0; half < 2; half++) {
		UNROLL
		for (int i = 0; i < 4; i++)
			x[a[i]] = _mm512_add_epi32(x[a[i]], x[b[i]]);
		UNROLL
		for (int i = 0; i < 4; i++) {
			x[d[i]] = _mm512_xor_si512(x[d[i]], x[a[i]]);
			x[d[i]] = half ? _mm512_rol_epi32(x[d[i]], 8) :
					 _mm512_rol_epi32(x[d[i]], 16);
		}
		UNROLL
		for (int i = 0; i < 4; i++)
			x[c[i]] = _mm512_add_epi32(x[c[i]], x[d[i]]);
		UNROLL
		for (int i = 0; i < 4; i++) {
			x[b[i]] = _mm512_xor_si512(x[b[i]], x[c[i]]);
			x[b[i]] = half ? _mm512_rol_epi32(x[b[i]], 7) :
					 _mm512_rol_epi32(x[b[i]], 12);
		}
	}
}

always_inline void double_round512(__m512i x[16])
{
	quarters512(x, (const int[]){ 0, 1, 2, 3 }, (const int[]){ 4, 5, 6, 7 },
		    (const int[]){ 8, 9, 10, 11 }, (const int[]){ 12, 13, 14, 15 });
	quarters512(x, (const int[]){ 0, 1, 2, 3 }, (const int[]){ 5, 6, 7, 4 },
		    (const int[]){ 10, 11, 8, 9 }, (const int[]){ 15, 12, 13, 14 });
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
