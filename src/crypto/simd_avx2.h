/* Vectors of eight 32-bit words in AVX2, under the names that simd_ssse3.h explains. */
#ifndef WG_SIMD_AVX2_H
#define WG_SIMD_AVX2_H

#include <immintrin.h>
#include "impl.h"

enum { VEC_LANES = 8 };
typedef __m256i vec;
_Static_assert(sizeof(vec) == 4 * VEC_LANES, "32-bit lanes");

always_inline vec vec_add(vec a, vec b) { return _mm256_add_epi32(a, b); }
always_inline vec vec_xor(vec a, vec b) { return _mm256_xor_si256(a, b); }
always_inline vec vec_and(vec a, vec b) { return _mm256_and_si256(a, b); }
always_inline vec vec_set1(uint32_t w) { return _mm256_set1_epi32((int)w); }
#define vec_load(p) _mm256_loadu_si256((const void *)(p))
#define vec_load_aligned(p) _mm256_load_si256((const void *)(p))
#define vec_store(p, a) _mm256_storeu_si256((void *)(p), a)

always_inline vec vec_rotl(vec a, int n)
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
#define vec_rotr(a, n) vec_rotl(a, 32 - (n))

always_inline void vec_transpose(vec x[VEC_LANES])
{
	vec t[VEC_LANES];

	UNROLL
	for (int i = 0; i < 8; i += 4) {
		vec a = _mm256_unpacklo_epi32(x[i], x[i + 1]);
		vec b = _mm256_unpackhi_epi32(x[i], x[i + 1]);
		vec c = _mm256_unpacklo_epi32(x[i + 2], x[i + 3]);
		vec d = _mm256_unpackhi_epi32(x[i + 2], x[i + 3]);
		t[i] = _mm256_unpacklo_epi64(a, c); /* words i..i+3 of blocks 0 and 4 */
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

#endif
