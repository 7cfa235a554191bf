/* Arithmetic mod 2^130 - 5 on four numbers at a time in AVX2: a number is five limbs of 26 bits in radix 2^26, limb i of
 * all four numbers is one register of 64-bit lanes, and products are vpmuludq, 32 x 32 -> 64 bits; see M. Goll,
 * S. Gueron, "Vectorization of Poly1305 message authentication code", 2015. Limbs are not fully carried between
 * multiplications; the comments give the bounds that keep the sums of products below 2^64. */
#ifndef WG_POLY1305_AVX2_H
#define WG_POLY1305_AVX2_H

#include <immintrin.h>
#include "crypto/poly1305.h"

#define POLY_M26 ((1ll << 26) - 1)

struct pair4 { /* four blocks of 16 bytes: the lower and upper 64 bits of each */
	__m256i lo, hi;
};
struct poly4 { /* four numbers */
	__m256i l[5];
};
struct factor4 { /* a multiplier per lane: its limbs, and 5 times those, as 2^130 is 5 */
	__m256i r[5], s[5];
};
_Static_assert(sizeof(struct poly4) == 5 * 32 && sizeof(struct factor4) == 10 * 32, "limbs without padding");

/* lo + hi * 2^64 + top * 2^128 in limbs. */
always_inline struct poly4 poly4_split(__m256i lo, __m256i hi, __m256i top)
{
	const __m256i m = _mm256_set1_epi64x(POLY_M26);
	struct poly4 p;

	p.l[0] = _mm256_and_si256(lo, m);
	p.l[1] = _mm256_and_si256(_mm256_srli_epi64(lo, 26), m);
	p.l[2] = _mm256_and_si256(
		_mm256_or_si256(_mm256_srli_epi64(lo, 52), _mm256_slli_epi64(hi, 12)), m);
	p.l[3] = _mm256_and_si256(_mm256_srli_epi64(hi, 14), m);
	p.l[4] = _mm256_or_si256(_mm256_srli_epi64(hi, 40), _mm256_slli_epi64(top, 24));
	return p;
}

always_inline struct poly4 poly4_zero(void)
{
	struct poly4 p;

	UNROLL
	for (int i = 0; i < 5; i++)
		p.l[i] = _mm256_setzero_si256();
	return p;
}

always_inline struct poly4 poly4_add(struct poly4 a, struct poly4 b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.l[i] = _mm256_add_epi64(a.l[i], b.l[i]);
	return a;
}

/* Adds a whole block, with the bit above it. */
always_inline struct poly4 poly4_absorb(struct poly4 h, struct pair4 m)
{
	return poly4_add(h, poly4_split(m.lo, m.hi, _mm256_set1_epi64x(1)));
}

always_inline struct factor4 poly4_factor(struct poly4 r)
{
	struct factor4 f;

	UNROLL
	for (int i = 0; i < 5; i++) {
		f.r[i] = r.l[i];
		f.s[i] = _mm256_add_epi64(r.l[i], _mm256_slli_epi64(r.l[i], 2));
	}
	return f;
}

/* Carries the bits of d[from] above 26 into d[to]; from the top limb to limb 0 times 5. */
always_inline void poly4_carry(__m256i d[5], int from, int to)
{
	__m256i c = _mm256_srli_epi64(d[from], 26);

	d[from] = _mm256_and_si256(d[from], _mm256_set1_epi64x(POLY_M26));
	d[to] = _mm256_add_epi64(d[to], c);
	if (to == 0)
		d[to] = _mm256_add_epi64(d[to], _mm256_slli_epi64(c, 2));
}

/* p += h * f, without carries. With limbs of h below 2^28 and of f below 2^26 + 2^13, adds less than
 * 21 * 2^54.1 < 2^58.5 to each limb. */
always_inline void poly4_mul_add(struct poly4 *p, struct poly4 h, const struct factor4 *f)
{
	__m256i *d = p->l;

	UNROLL
	for (int i = 0; i < 5; i++) {
		vector_barrier(h.l[i]); /* for the reason given in poly4_mul() */
		UNROLL
		for (int k = 0; k < 5; k++) {
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(h.l[i], i <= k ? f->r[k - i] :
									       f->s[k + 5 - i]));
			GCC_VECTOR_BARRIER(d[k]);
		}
	}
}

/* Carries a sum of products, in two interleaved chains. Limbs in: below 2^62, so that the first carry of each is below
 * 2^36, and limb 0 is below 2^38.5 when it carries into limb 1. Limbs out: below 2^26 + 2^13. */
always_inline struct poly4 poly4_reduce(struct poly4 p)
{
	__m256i *d = p.l;

	poly4_carry(d, 0, 1);
	poly4_carry(d, 3, 4);
	poly4_carry(d, 1, 2);
	poly4_carry(d, 4, 0);
	poly4_carry(d, 2, 3);
	poly4_carry(d, 0, 1);
	poly4_carry(d, 3, 4);
	return p;
}

/* h * f, carried. Limbs of h: below 2^28. */
always_inline struct poly4 poly4_mul(struct poly4 h, const struct factor4 *f)
{
	struct poly4 out;
	__m256i *d = out.l;

	value_barrier(f); /* without it clang prepares f elsewhere and emits full 64-bit products */
	UNROLL
	for (int k = 0; k < 5; k++) {
		d[k] = _mm256_mul_epu32(h.l[0], f->r[k]);
		UNROLL
		for (int i = 1; i < 5; i++)
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(h.l[i], i <= k ? f->r[k - i] :
								       f->s[k + 5 - i]));
	}
	return poly4_reduce(out);
}

/* For message blocks that are multiplied without the accumulator. Such a block can stay in four words of 32 bits, which
 * saves the split into limbs and takes 20 products instead of 25, if the multiplier is available times 2^0, 2^32, 2^64
 * and 2^96. */
struct shifted4 {
	__m256i w[4][5];
};

/* f * 2^(32 i) is f shifted by i limbs and 6 i bits. Limbs below 5 * (2^26 + 2^13) < 2^28.4 become limbs below 2^46.4,
 * their carries are below 5 * 2^20.4 < 2^22.8, and the results below 2^26 + 2^22.8 < 2^26.2. */
always_inline void poly4_shift(struct shifted4 *out, const struct factor4 *f)
{
	const __m256i m = _mm256_set1_epi64x(POLY_M26);
	__m256i d[5], c[5];

	UNROLL
	for (int k = 0; k < 5; k++)
		out->w[0][k] = f->r[k];
	UNROLL
	for (int i = 1; i < 4; i++) {
		UNROLL
		for (int k = 0; k < 5; k++) {
			d[k] = _mm256_slli_epi64(i <= k ? f->r[k - i] : f->s[k + 5 - i], 6 * i);
			c[k] = _mm256_srli_epi64(d[k], 26);
			d[k] = _mm256_and_si256(d[k], m);
		}
		c[4] = _mm256_add_epi64(c[4], _mm256_slli_epi64(c[4], 2));
		UNROLL
		for (int k = 0; k < 5; k++)
			out->w[i][k] = _mm256_add_epi64(d[k], c[(k + 4) % 5]);
	}
}

/* p += m * f, without the bit above m and without carries: adds less than 4 * 2^32 * 2^26.2 = 2^60.2 to each limb.
 * Three of these, poly4_top_bits() and one poly4_mul_add() stay below 3 * 2^60.2 + 2^54 + 2^58.5 < 2^62. */
always_inline void poly4_words_add(struct poly4 *p, struct pair4 m, const struct shifted4 *f)
{
	__m256i w[4] = { m.lo, _mm256_srli_epi64(m.lo, 32), m.hi, _mm256_srli_epi64(m.hi, 32) };
	__m256i *d = p->l;

	UNROLL
	for (int i = 0; i < 4; i++) {
		UNROLL
		for (int k = 0; k < 5; k++) {
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(w[i], f->w[i][k]));
			GCC_VECTOR_BARRIER(d[k]);
		}
	}
}

always_inline struct poly4 poly4_from_factor(const struct factor4 *f)
{
	struct poly4 p;

	UNROLL
	for (int k = 0; k < 5; k++)
		p.l[k] = f->r[k];
	return p;
}

/* 2^128 * f, the contribution of the bit above a block that is multiplied with f, or above several blocks if f is the sum
 * of their multipliers: a shift by four limbs and 24 bits. For three blocks below 2^24 * 5 * 3 * (2^26 + 2^13) < 2^54. */
always_inline struct poly4 poly4_top_bits(const struct factor4 *f)
{
	struct poly4 d;

	UNROLL
	for (int k = 0; k < 5; k++)
		d.l[k] = _mm256_slli_epi64(k == 4 ? f->r[0] : f->s[k + 1], 24);
	return d;
}

/* The 64-bit words of one lane of stored limbs. */
always_inline void poly4_words(uint64_t h[3], const uint64_t limbs[5][4], int lane)
{
	uint64_t c = 0, l[5];

	UNROLL
	for (int i = 0; i < 5; i++) {
		c += limbs[i][lane];
		l[i] = i < 4 ? c & (uint64_t)POLY_M26 : c;
		c >>= 26;
	}
	h[0] = l[0] | l[1] << 26 | l[2] << 52;
	h[1] = l[2] >> 12 | l[3] << 14 | l[4] << 40;
	h[2] = l[4] >> 24;
}

#endif
