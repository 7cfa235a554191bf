/* Vectors of four 32-bit words in SSSE3, for the kernels that compute four messages or blocks at once. simd_neon.h,
 * simd_avx2.h and simd_avx512.h define the same names for their instruction sets. */
#ifndef WG_SIMD_SSSE3_H
#define WG_SIMD_SSSE3_H

#include <immintrin.h>
#include "impl.h"

enum { VEC_LANES = 4 };
typedef __m128i vec;
_Static_assert(sizeof(vec) == 4 * VEC_LANES, "32-bit lanes");

always_inline vec vec_add(vec a, vec b) { return _mm_add_epi32(a, b); }
always_inline vec vec_xor(vec a, vec b) { return _mm_xor_si128(a, b); }
always_inline vec vec_and(vec a, vec b) { return _mm_and_si128(a, b); }
always_inline vec vec_set1(uint32_t w) { return _mm_set1_epi32((int)w); }
#define vec_load(p) _mm_loadu_si128((const void *)(p))
#define vec_load_aligned(p) vec_load(p)
#define vec_store(p, a) _mm_storeu_si128((void *)(p), a)

/* Rotations by whole bytes are one shuffle. n is a constant. */
always_inline vec vec_rotl(vec a, int n)
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
#define vec_rotr(a, n) vec_rotl(a, 32 - (n))

/* From x[word] with one lane per block to x[block] with one lane per word, and back. */
always_inline void vec_transpose(vec x[VEC_LANES])
{
	vec a = _mm_unpacklo_epi32(x[0], x[1]), b = _mm_unpackhi_epi32(x[0], x[1]);
	vec c = _mm_unpacklo_epi32(x[2], x[3]), d = _mm_unpackhi_epi32(x[2], x[3]);

	x[0] = _mm_unpacklo_epi64(a, c);
	x[1] = _mm_unpackhi_epi64(a, c);
	x[2] = _mm_unpacklo_epi64(b, d);
	x[3] = _mm_unpackhi_epi64(b, d);
}

#endif
