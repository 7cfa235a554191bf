/* Eight blocks of ChaCha20 at once in AVX2: word i of all of them in one register. */
#ifndef WG_CHACHA20_AVX2_H
#define WG_CHACHA20_AVX2_H

#include <immintrin.h>
#include "crypto/impl.h"

always_inline __m256i rotl8(__m256i a, int n)
{
	if (n == 16)
		return _mm256_shuffle_epi8(
			a, _mm256_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13, 2, 3,
					    0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
	if (n == 24)
		return _mm256_shuffle_epi8(
			a, _mm256_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, 1, 2,
					    3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12));
	if (n == 8)
		return _mm256_shuffle_epi8(
			a, _mm256_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 3, 0,
					    1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14));
	return _mm256_or_si256(_mm256_slli_epi32(a, n), _mm256_srli_epi32(a, 32 - n));
}

always_inline void quarter8(__m256i *a, __m256i *b, __m256i *c, __m256i *d)
{
	*a = _mm256_add_epi32(*a, *b);
	SETTLE(*a);
	*d = rotl8(_mm256_xor_si256(*d, *a), 16);
	SETTLE(*d);
	*c = _mm256_add_epi32(*c, *d);
	SETTLE(*c);
	*b = rotl8(_mm256_xor_si256(*b, *c), 12);
	SETTLE(*b);
	*a = _mm256_add_epi32(*a, *b);
	SETTLE(*a);
	*d = rotl8(_mm256_xor_si256(*d, *a), 8);
	SETTLE(*d);
	*c = _mm256_add_epi32(*c, *d);
	SETTLE(*c);
	*b = rotl8(_mm256_xor_si256(*b, *c), 7);
	SETTLE(*b);
}

always_inline void columns8(__m256i x[16])
{
	quarter8(&x[0], &x[4], &x[8], &x[12]);
	quarter8(&x[1], &x[5], &x[9], &x[13]);
	quarter8(&x[2], &x[6], &x[10], &x[14]);
	quarter8(&x[3], &x[7], &x[11], &x[15]);
}

always_inline void diagonals8(__m256i x[16])
{
	quarter8(&x[0], &x[5], &x[10], &x[15]);
	quarter8(&x[1], &x[6], &x[11], &x[12]);
	quarter8(&x[2], &x[7], &x[8], &x[13]);
	quarter8(&x[3], &x[4], &x[9], &x[14]);
}

/* Eight words of eight blocks to 32 bytes of each. */
always_inline void transpose8(__m256i x[8])
{
	__m256i t[8];

	UNROLL
	for (int i = 0; i < 8; i += 4) {
		__m256i a = _mm256_unpacklo_epi32(x[i], x[i + 1]);
		__m256i b = _mm256_unpackhi_epi32(x[i], x[i + 1]);
		__m256i c = _mm256_unpacklo_epi32(x[i + 2], x[i + 3]);
		__m256i d = _mm256_unpackhi_epi32(x[i + 2], x[i + 3]);
		t[i] = _mm256_unpacklo_epi64(a, c); /* words i.. of blocks 0 and 4 */
		t[i + 1] = _mm256_unpackhi_epi64(a, c);
		t[i + 2] = _mm256_unpacklo_epi64(b, d);
		t[i + 3] = _mm256_unpackhi_epi64(b, d);
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		x[i] = _mm256_permute2x128_si256(t[i], t[4 + i], 0x20);
		x[4 + i] = _mm256_permute2x128_si256(t[i], t[4 + i], 0x31);
	}
}

/* Words 12-15 of lane i are last[0..3][i]: counters and nonces. */
enum { LANES_MOST = 16 };

always_inline __m256i first8(const struct chacha20 *s, uint32_t last[4][LANES_MOST], int i, int set)
{
	return i < 12 ? _mm256_set1_epi32((int)s->w[i]) :
			_mm256_loadu_si256((const void *)&last[i - 12][8 * set]);
}

always_inline void start8(__m256i x[16], const struct chacha20 *s, uint32_t last[4][LANES_MOST], int set)
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = first8(s, last, i, set);
}

always_inline void finish8(uint8_t stream[512], __m256i x[16], const struct chacha20 *s,
			   uint32_t last[4][LANES_MOST], int set)
{
	UNROLL
	for (int i = 0; i < 16; i++)
		x[i] = _mm256_add_epi32(x[i], first8(s, last, i, set));
	UNROLL
	for (int half = 0; half < 2; half++) {
		transpose8(&x[8 * half]);
		UNROLL
		for (int i = 0; i < 8; i++)
			_mm256_storeu_si256((void *)(stream + 64 * i + 32 * half), x[8 * half + i]);
	}
}

/* The stream of the first eight lanes. */
always_inline void blocks8(uint8_t stream[512], const struct chacha20 *s, uint32_t last[4][LANES_MOST])
{
	__m256i x[16];

	start8(x, s, last, 0);
	for (int i = 0; i < 10; i++) {
		columns8(x);
		diagonals8(x);
	}
	finish8(stream, x, s, last, 0);
}

/* Twice eight side by side: one set waits for its results half of the time, which is worth the trips to
 * memory that half of the words make. */
always_inline void blocks8_twice(uint8_t stream[1024], const struct chacha20 *s,
				 uint32_t last[4][LANES_MOST])
{
	__m256i x[16], y[16];

	start8(x, s, last, 0);
	start8(y, s, last, 1);
	for (int i = 0; i < 10; i++) {
		columns8(x);
		columns8(y);
		diagonals8(x);
		diagonals8(y);
	}
	finish8(stream, x, s, last, 0);
	finish8(stream + 512, y, s, last, 1);
}

/* dst = src ^ stream. */
always_inline void xor_bytes8(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	for (; n >= 32; n -= 32, dst += 32, src += 32, stream += 32)
		_mm256_storeu_si256((void *)dst,
				    _mm256_xor_si256(_mm256_loadu_si256((const void *)src),
						     _mm256_loadu_si256((const void *)stream)));
	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] ^ stream[i];
}

#endif
