/* Vectors of four 32-bit words in NEON, under the names that simd_ssse3.h explains. */
#ifndef WG_SIMD_NEON_H
#define WG_SIMD_NEON_H

#include <arm_neon.h>
#include "impl.h"

enum { VEC_LANES = 4 };
typedef uint32x4_t vec;
_Static_assert(sizeof(vec) == 4 * VEC_LANES, "32-bit lanes");

always_inline vec vec_add(vec a, vec b) { return vaddq_u32(a, b); }
always_inline vec vec_xor(vec a, vec b) { return veorq_u32(a, b); }
always_inline vec vec_and(vec a, vec b) { return vandq_u32(a, b); }
always_inline vec vec_set1(uint32_t w) { return vdupq_n_u32(w); }
#define vec_load(p) vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)(p)))
#define vec_load_aligned(p) vec_load(p)
#define vec_store(p, a) vst1q_u8((uint8_t *)(p), vreinterpretq_u8_u32(a))

/* Shift and insert needs literal counts, also where nothing is optimised: one branch per count in use. */
#define SHIFT_INSERT(a, n) vsriq_n_u32(vshlq_n_u32(a, n), a, 32 - (n))
always_inline vec vec_rotl(vec a, int n)
{
	if (n == 16)
		return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(a)));
	if (n == 12)
		return SHIFT_INSERT(a, 12);
	if (n == 8)
		return vreinterpretq_u32_u8(
			vqtbl1q_u8(vreinterpretq_u8_u32(a), (uint8x16_t){ 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9,
									  10, 15, 12, 13, 14 }));
	if (n == 20)
		return SHIFT_INSERT(a, 20);
	if (n == 24)
		return SHIFT_INSERT(a, 24);
	if (n == 25)
		return SHIFT_INSERT(a, 25);
	return SHIFT_INSERT(a, 7);
}
#define vec_rotr(a, n) vec_rotl(a, 32 - (n))

always_inline void vec_transpose(vec x[VEC_LANES])
{
	uint64x2_t a = vreinterpretq_u64_u32(vzip1q_u32(x[0], x[1]));
	uint64x2_t b = vreinterpretq_u64_u32(vzip2q_u32(x[0], x[1]));
	uint64x2_t c = vreinterpretq_u64_u32(vzip1q_u32(x[2], x[3]));
	uint64x2_t d = vreinterpretq_u64_u32(vzip2q_u32(x[2], x[3]));

	x[0] = vreinterpretq_u32_u64(vzip1q_u64(a, c));
	x[1] = vreinterpretq_u32_u64(vzip2q_u64(a, c));
	x[2] = vreinterpretq_u32_u64(vzip1q_u64(b, d));
	x[3] = vreinterpretq_u32_u64(vzip2q_u64(b, d));
}

#endif
