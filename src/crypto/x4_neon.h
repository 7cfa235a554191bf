/* Four 32-bit words in NEON, as chacha20_x4.inc and blake2s_x4.inc want them. */
#ifndef WG_X4_NEON_H
#define WG_X4_NEON_H

#include <arm_neon.h>
#include "impl.h"

typedef uint32x4_t v4;

always_inline v4 add4(v4 a, v4 b) { return vaddq_u32(a, b); }
always_inline v4 xor4(v4 a, v4 b) { return veorq_u32(a, b); }
always_inline v4 and4(v4 a, v4 b) { return vandq_u32(a, b); }
always_inline v4 set4(uint32_t w) { return vdupq_n_u32(w); }
always_inline v4 load4(const uint8_t *p) { return vreinterpretq_u32_u8(vld1q_u8(p)); }
always_inline void store4(uint8_t *p, v4 a) { vst1q_u8(p, vreinterpretq_u8_u32(a)); }

#define SHIFT_INSERT(a, n) vsriq_n_u32(vshlq_n_u32(a, n), a, 32 - (n))
always_inline v4 rotl4(v4 a, int n)
{
	if (n == 16)
		return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(a)));
	if (n == 12)
		return SHIFT_INSERT(a, 12);
	if (n == 8)
		return SHIFT_INSERT(a, 8);
	if (n == 20)
		return SHIFT_INSERT(a, 20);
	if (n == 24)
		return SHIFT_INSERT(a, 24);
	if (n == 25)
		return SHIFT_INSERT(a, 25);
	return SHIFT_INSERT(a, 7);
}

always_inline void transpose4(v4 x[4])
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
