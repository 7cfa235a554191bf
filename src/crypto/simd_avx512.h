/* Vectors of sixteen 32-bit words in AVX-512, under the names that simd_ssse3.h explains. */
#ifndef WG_SIMD_AVX512_H
#define WG_SIMD_AVX512_H

#include <immintrin.h>
#include "impl.h"

enum { VEC_LANES = 16 };
typedef __m512i vec;
_Static_assert(sizeof(vec) == 4 * VEC_LANES, "32-bit lanes");

always_inline vec vec_add(vec a, vec b) { return _mm512_add_epi32(a, b); }
always_inline vec vec_xor(vec a, vec b) { return _mm512_xor_si512(a, b); }
always_inline vec vec_and(vec a, vec b) { return _mm512_and_si512(a, b); }
always_inline vec vec_set1(uint32_t w) { return _mm512_set1_epi32((int)w); }
#define vec_load(p) _mm512_loadu_si512(p)
#define vec_load_aligned(p) _mm512_load_si512(p)
#define vec_store(p, a) _mm512_storeu_si512(p, a)
#define vec_rotl(a, n) _mm512_rol_epi32(a, n) /* macros: the count is an immediate */
#define vec_rotr(a, n) _mm512_ror_epi32(a, n)

always_inline void vec_transpose(vec x[VEC_LANES])
{
	vec t[VEC_LANES];

	UNROLL
	for (int i = 0; i < 16; i += 4) {
		vec a = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		vec b = _mm512_unpackhi_epi32(x[i], x[i + 1]);
		vec c = _mm512_unpacklo_epi32(x[i + 2], x[i + 3]);
		vec d = _mm512_unpackhi_epi32(x[i + 2], x[i + 3]);
		t[i] = _mm512_unpacklo_epi64(a, c); /* words i..i+3 of blocks 0, 4, 8, 12 */
		t[i + 1] = _mm512_unpackhi_epi64(a, c);
		t[i + 2] = _mm512_unpacklo_epi64(b, d);
		t[i + 3] = _mm512_unpackhi_epi64(b, d);
	}
	UNROLL
	for (int i = 0; i < 4; i++) {
		vec a = _mm512_shuffle_i32x4(t[i], t[4 + i], 0x44);
		vec b = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0x44);
		vec c = _mm512_shuffle_i32x4(t[i], t[4 + i], 0xee);
		vec d = _mm512_shuffle_i32x4(t[8 + i], t[12 + i], 0xee);
		x[i] = _mm512_shuffle_i32x4(a, b, 0x88);
		x[4 + i] = _mm512_shuffle_i32x4(a, b, 0xdd);
		x[8 + i] = _mm512_shuffle_i32x4(c, d, 0x88);
		x[12 + i] = _mm512_shuffle_i32x4(c, d, 0xdd);
	}
}

#endif
