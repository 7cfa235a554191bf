/* Arithmetic mod 2^130 - 5 on four numbers at a time in NEON: a number is five limbs of 26 bits in radix 2^26, limb i of all
 * four numbers is one register of 32-bit lanes, and umlal and umlal2 multiply two lanes each and add the 64-bit products. The
 * comments give the bounds that keep the sums of products below 2^64. */
#ifndef WG_POLY1305_NEON_H
#define WG_POLY1305_NEON_H

#include <arm_neon.h>
#include "crypto/poly1305.h"

enum { POLY_M26 = (1 << 26) - 1 };

struct words4 { /* four blocks of 16 bytes: word i of each */
	uint32x4_t w[4];
};
struct poly4 { /* four numbers */
	uint32x4_t l[5];
};
struct factor4 { /* a multiplier per lane: its limbs, and 5 times those, as 2^130 is 5 */
	uint32x4_t r[5], s[5];
};
struct sum4 { /* sums of products: the lower and the upper two lanes */
	uint64x2_t lo[5], hi[5];
};

always_inline uint32x4_t poly4_mask(uint32x4_t v)
{
	return vandq_u32(v, vdupq_n_u32(POLY_M26));
}

/* The blocks in limbs. top: the bit above each block, 1 << 24, or 0. */
always_inline struct poly4 poly4_split(struct words4 m, uint32_t top)
{
	struct poly4 p;

	p.l[0] = poly4_mask(m.w[0]);
	p.l[1] = poly4_mask(vsliq_n_u32(vshrq_n_u32(m.w[0], 26), m.w[1], 6));
	p.l[2] = poly4_mask(vsliq_n_u32(vshrq_n_u32(m.w[1], 20), m.w[2], 12));
	p.l[3] = poly4_mask(vsliq_n_u32(vshrq_n_u32(m.w[2], 14), m.w[3], 18));
	p.l[4] = vorrq_u32(vshrq_n_u32(m.w[3], 8), vdupq_n_u32(top));
	return p;
}

always_inline struct poly4 poly4_add(struct poly4 a, struct poly4 b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.l[i] = vaddq_u32(a.l[i], b.l[i]);
	return a;
}

always_inline struct factor4 poly4_factor(struct poly4 r)
{
	struct factor4 f;

	UNROLL
	for (int i = 0; i < 5; i++) {
		f.r[i] = r.l[i];
		f.s[i] = vaddq_u32(r.l[i], vshlq_n_u32(r.l[i], 2));
	}
	return f;
}

always_inline void sum4_product(struct sum4 *d, int k, uint32x4_t a, uint32x4_t b)
{
	d->lo[k] = vmlal_u32(d->lo[k], vget_low_u32(a), vget_low_u32(b));
	d->hi[k] = vmlal_high_u32(d->hi[k], a, b);
}

/* d += h * f. With limbs of h below 2^28 and of f below 2^26 + 2^13, adds less than 21 * 2^54.1 < 2^58.5 to each limb. */
always_inline void poly4_mul_add(struct sum4 *d, struct poly4 h, const struct factor4 *f)
{
	UNROLL
	for (int i = 0; i < 5; i++) {
		UNROLL
		for (int k = 0; k < 5; k++)
			sum4_product(d, k, h.l[i], i <= k ? f->r[k - i] : f->s[k + 5 - i]);
	}
}

always_inline void carry2(uint64x2_t d[5], int from, int to)
{
	uint64x2_t c = vshrq_n_u64(d[from], 26);

	d[from] = vandq_u64(d[from], vdupq_n_u64(POLY_M26));
	d[to] = vaddq_u64(d[to], c);
	if (to == 0)
		d[to] = vaddq_u64(d[to], vshlq_n_u64(c, 2));
}

/* Two interleaved chains of carries. Limbs in: below 2^62, so that the first carry of each is below 2^36, and limb 0 is below
 * 2^38.5 when it carries into limb 1. Limbs out: below 2^26 + 2^13. */
always_inline void carry_all2(uint64x2_t d[5])
{
	carry2(d, 0, 1);
	carry2(d, 3, 4);
	carry2(d, 1, 2);
	carry2(d, 4, 0);
	carry2(d, 2, 3);
	carry2(d, 0, 1);
	carry2(d, 3, 4);
}

always_inline struct poly4 poly4_reduce(struct sum4 d)
{
	struct poly4 p;

	carry_all2(d.lo);
	carry_all2(d.hi);
	UNROLL
	for (int k = 0; k < 5; k++) /* the lower halves of the 64-bit lanes */
		p.l[k] = vuzp1q_u32(vreinterpretq_u32_u64(d.lo[k]), vreinterpretq_u32_u64(d.hi[k]));
	return p;
}

always_inline struct sum4 sum4_zero(void)
{
	struct sum4 d;

	UNROLL
	for (int k = 0; k < 5; k++)
		d.lo[k] = d.hi[k] = vdupq_n_u64(0);
	return d;
}

/* h * f, carried. Limbs of h: below 2^28. */
always_inline struct poly4 poly4_mul(struct poly4 h, const struct factor4 *f)
{
	struct sum4 d = sum4_zero();

	poly4_mul_add(&d, h, f);
	return poly4_reduce(d);
}

/* For message blocks that are multiplied without the accumulator: a multiplier times 2^0, 2^32, 2^64 and 2^96. The block then
 * stays in its four words, which saves the split into limbs and takes 20 products instead of 25. */
struct shifted4 {
	uint32x4_t w[4][5];
};

/* v * 2^n, at most 2^46: its lower 26 bits, and the carry into the next limb. */
#define SHIFT_LIMB(own, carry, v, n)                                                                  \
	do {                                                                                          \
		uint64x2_t lo_ = vshll_n_u32(vget_low_u32(v), n), hi_ = vshll_high_n_u32(v, n);       \
		(own) = poly4_mask(vuzp1q_u32(vreinterpretq_u32_u64(lo_), vreinterpretq_u32_u64(hi_))); \
		(carry) = vshrn_high_n_u64(vshrn_n_u64(lo_, 26), hi_, 26);                            \
	} while (0)

/* f * 2^(32 i) is f shifted by i limbs and 6 i bits. Limbs below 5 * (2^26 + 2^13) < 2^28.4 become limbs below 2^46.4, their
 * carries are below 5 * 2^20.4 < 2^22.8, and the results below 2^26 + 2^22.8 < 2^26.2. */
#define SHIFT_FACTOR(out, f, i)                                                                       \
	do {                                                                                          \
		uint32x4_t own_[5], carry_[5];                                                        \
		UNROLL                                                                                \
		for (int k = 0; k < 5; k++)                                                           \
			SHIFT_LIMB(own_[k], carry_[k], (i) <= k ? (f)->r[k - (i)] : (f)->s[k + 5 - (i)], \
				   6 * (i));                                                          \
		carry_[4] = vaddq_u32(carry_[4], vshlq_n_u32(carry_[4], 2));                          \
		UNROLL                                                                                \
		for (int k = 0; k < 5; k++)                                                           \
			(out)->w[i][k] = vaddq_u32(own_[k], carry_[(k + 4) % 5]);                     \
	} while (0)

always_inline void poly4_shift(struct shifted4 *out, const struct factor4 *f)
{
	UNROLL
	for (int k = 0; k < 5; k++)
		out->w[0][k] = f->r[k];
	SHIFT_FACTOR(out, f, 1); /* literal counts: an immediate needs them also where nothing is optimised */
	SHIFT_FACTOR(out, f, 2);
	SHIFT_FACTOR(out, f, 3);
}

/* d += m * f, without the bit above m: adds less than 4 * 2^32 * 2^26.2 = 2^60.2 to each limb. Three of these,
 * poly4_top_bits() and one poly4_mul_add() stay below 3 * 2^60.2 + 2^54 + 2^58.5 < 2^62. */
always_inline void poly4_words_add(struct sum4 *d, struct words4 m, const struct shifted4 *f)
{
	UNROLL
	for (int i = 0; i < 4; i++) {
		UNROLL
		for (int k = 0; k < 5; k++)
			sum4_product(d, k, m.w[i], f->w[i][k]);
	}
}

/* 2^128 * f, the contribution of the bits above several blocks if f is the sum of their multipliers: a shift by four limbs
 * and 24 bits. For three blocks below 2^24 * 5 * 3 * (2^26 + 2^13) < 2^54. */
always_inline struct sum4 poly4_top_bits(const struct factor4 *f)
{
	struct sum4 d;

	UNROLL
	for (int k = 0; k < 5; k++) {
		uint32x4_t v = k == 4 ? f->r[0] : f->s[k + 1];
		d.lo[k] = vshll_n_u32(vget_low_u32(v), 24);
		d.hi[k] = vshll_high_n_u32(v, 24);
	}
	return d;
}

#endif
