/* Four 32-bit words in SSSE3, as chacha20_x4.inc and blake2s_x4.inc want them. */
#ifndef WG_X4_SSSE3_H
#define WG_X4_SSSE3_H

#include <immintrin.h>
#include "impl.h"

typedef __m128i v4;

always_inline v4 add4(v4 a, v4 b) { return _mm_add_epi32(a, b); }
always_inline v4 xor4(v4 a, v4 b) { return _mm_xor_si128(a, b); }
always_inline v4 and4(v4 a, v4 b) { return _mm_and_si128(a, b); }
always_inline v4 set4(uint32_t w) { return _mm_set1_epi32((int)w); }
always_inline v4 load4(const uint8_t *p) { return _mm_loadu_si128((const void *)p); }
always_inline void store4(uint8_t *p, v4 a) { _mm_storeu_si128((void *)p, a); }

always_inline v4 rotl4(v4 a, int n)
{
	if (n == 16)
		return _mm_shuffle_epi8(a, _mm_setr_epi8(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15,
							 12, 13));
	if (n == 24)
		return _mm_shuffle_epi8(a, _mm_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14,
							 15, 12));
	if (n == 8)
		return _mm_shuffle_epi8(a, _mm_setr_epi8(3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12,
							 13, 14));
	return _mm_or_si128(_mm_slli_epi32(a, n), _mm_srli_epi32(a, 32 - n));
}

always_inline void transpose4(v4 x[4])
{
	v4 a = _mm_unpacklo_epi32(x[0], x[1]), b = _mm_unpackhi_epi32(x[0], x[1]);
	v4 c = _mm_unpacklo_epi32(x[2], x[3]), d = _mm_unpackhi_epi32(x[2], x[3]);

	x[0] = _mm_unpacklo_epi64(a, c);
	x[1] = _mm_unpackhi_epi64(a, c);
	x[2] = _mm_unpacklo_epi64(b, d);
	x[3] = _mm_unpackhi_epi64(b, d);
}

#endif
