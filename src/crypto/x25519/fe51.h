/* Arithmetic mod 2^255 - 19 in five limbs of 51 bits, for machines with 128-bit products. Multiplications return limbs
 * below 2^52; their operands may be sums or differences of two such elements, which are not carried. */
#ifndef WG_FE51_H
#define WG_FE51_H

#include "crypto/x25519.h"

typedef struct { uint64_t v[5]; } fe;
_Static_assert(sizeof(fe) == 40, "limbs without padding");

#define LIMB51 (((uint64_t)1 << 51) - 1)

always_inline fe fe_small(uint64_t v)
{
	return (fe){ { v, 0, 0, 0, 0 } };
}

always_inline fe fe_load(const uint8_t b[32])
{
	uint64_t w0 = load_le64(b), w1 = load_le64(b + 8), w2 = load_le64(b + 16),
		 w3 = load_le64(b + 24);

	return (fe){ { w0 & LIMB51, (w0 >> 51 | w1 << 13) & LIMB51, (w1 >> 38 | w2 << 26) & LIMB51,
		       (w2 >> 25 | w3 << 39) & LIMB51, w3 >> 12 & LIMB51 } };
}

always_inline fe fe_add(fe a, fe b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] += b.v[i];
	return a;
}

/* a + 4p - b. Limbs of b: below 2^53 - 76. */
always_inline fe fe_sub(fe a, fe b)
{
	a.v[0] += 4 * (LIMB51 - 18) - b.v[0];
	UNROLL
	for (int i = 1; i < 5; i++)
		a.v[i] += 4 * LIMB51 - b.v[i];
	return a;
}

always_inline fe fe_carry(u128 d0, u128 d1, u128 d2, u128 d3, u128 d4)
{
	uint64_t h0, h1, h2, h3, h4, c;

	d1 += (uint64_t)(d0 >> 51);
	h0 = (uint64_t)d0 & LIMB51;
	d2 += (uint64_t)(d1 >> 51);
	h1 = (uint64_t)d1 & LIMB51;
	d3 += (uint64_t)(d2 >> 51);
	h2 = (uint64_t)d2 & LIMB51;
	d4 += (uint64_t)(d3 >> 51);
	h3 = (uint64_t)d3 & LIMB51;
	c = (uint64_t)(d4 >> 51);
	h4 = (uint64_t)d4 & LIMB51;
	h0 += 19 * c;
	h1 += h0 >> 51;
	h0 &= LIMB51;
	return (fe){ { h0, h1, h2, h3, h4 } };
}

always_inline fe fe_mul(fe a, fe b)
{
	uint64_t a0 = a.v[0], a1 = a.v[1], a2 = a.v[2], a3 = a.v[3], a4 = a.v[4];
	uint64_t b0 = b.v[0], b1 = b.v[1], b2 = b.v[2], b3 = b.v[3], b4 = b.v[4];
	uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;

	return fe_carry(
		(u128)a0 * b0 + (u128)a1 * c4 + (u128)a2 * c3 + (u128)a3 * c2 + (u128)a4 * c1,
		(u128)a0 * b1 + (u128)a1 * b0 + (u128)a2 * c4 + (u128)a3 * c3 + (u128)a4 * c2,
		(u128)a0 * b2 + (u128)a1 * b1 + (u128)a2 * b0 + (u128)a3 * c4 + (u128)a4 * c3,
		(u128)a0 * b3 + (u128)a1 * b2 + (u128)a2 * b1 + (u128)a3 * b0 + (u128)a4 * c4,
		(u128)a0 * b4 + (u128)a1 * b3 + (u128)a2 * b2 + (u128)a3 * b1 + (u128)a4 * b0);
}

always_inline fe fe_square(fe a)
{
	uint64_t a0 = a.v[0], a1 = a.v[1], a2 = a.v[2], a3 = a.v[3], a4 = a.v[4];
	uint64_t d0 = 2 * a0, d1 = 2 * a1, d2 = 2 * a2, s3 = 19 * a3, s4 = 19 * a4;

	return fe_carry((u128)a0 * a0 + (u128)d1 * s4 + (u128)d2 * s3,
			(u128)d0 * a1 + (u128)d2 * s4 + (u128)a3 * s3,
			(u128)d0 * a2 + (u128)a1 * a1 + (u128)(2 * a3) * s4,
			(u128)d0 * a3 + (u128)d1 * a2 + (u128)a4 * s4,
			(u128)d0 * a4 + (u128)d1 * a3 + (u128)a2 * a2);
}

always_inline fe fe_mul_small(fe a, uint32_t k)
{
	return fe_carry((u128)a.v[0] * k, (u128)a.v[1] * k, (u128)a.v[2] * k, (u128)a.v[3] * k,
			(u128)a.v[4] * k);
}

/* Exchanges a and b if mask is all ones, not if it is 0. */
always_inline void fe_swap(fe *a, fe *b, uint64_t mask)
{
	UNROLL
	for (int i = 0; i < 5; i++) {
		uint64_t x = mask & (a->v[i] ^ b->v[i]);
		a->v[i] ^= x;
		b->v[i] ^= x;
	}
}

always_inline void fe_store(uint8_t out[32], fe a)
{
	uint64_t c = 0;

	UNROLL
	for (int round = 0; round < 2; round++) { /* all limbs below 2^51, limb 0 perhaps slightly above */
		UNROLL
		for (int i = 0; i < 5; i++) {
			a.v[i] += c;
			c = a.v[i] >> 51;
			a.v[i] &= LIMB51;
		}
		c *= 19;
	}
	a.v[0] += c;
	c = 19; /* the carry out of a + 19 is 1 if a >= p */
	UNROLL
	for (int i = 0; i < 5; i++)
		c = (a.v[i] + c) >> 51;
	c *= 19;
	UNROLL
	for (int i = 0; i < 5; i++) {
		a.v[i] += c;
		c = a.v[i] >> 51;
		a.v[i] &= LIMB51;
	}
	store_le64(out, a.v[0] | a.v[1] << 51);
	store_le64(out + 8, a.v[1] >> 13 | a.v[2] << 38);
	store_le64(out + 16, a.v[2] >> 26 | a.v[3] << 25);
	store_le64(out + 24, a.v[3] >> 39 | a.v[4] << 12);
}

#endif
