/* Arithmetic mod 2^255 - 19 in ten signed limbs of 26 and 25 bits alternately (radix 2^25.5), for machines whose widest
 * product has 64 bits; tests compare it with fe51.h. */
#ifndef WG_FE25_H
#define WG_FE25_H

#include "crypto/x25519.h"

typedef struct { int32_t v[10]; } fe;
_Static_assert(sizeof(fe) == 40, "limbs without padding");

always_inline unsigned int fe_bits(int i)
{
	return i & 1 ? 25 : 26;
}

always_inline fe fe_small(uint64_t v)
{
	return (fe){ { (int32_t)v } };
}

static fe fe_load(const uint8_t b[32])
{
	unsigned int at = 0;
	fe out;

	for (int i = 0; i < 10; at += fe_bits(i), i++) {
		uint64_t w = 0;
		for (unsigned int k = 0; k < 5 && at / 8 + k < 32; k++)
			w |= (uint64_t)b[at / 8 + k] << 8 * k;
		out.v[i] = (int32_t)(w >> (at & 7) & ((1u << fe_bits(i)) - 1));
	}
	return out;
}

always_inline fe fe_add(fe a, fe b)
{
	for (int i = 0; i < 10; i++)
		a.v[i] += b.v[i];
	return a;
}

always_inline fe fe_sub(fe a, fe b)
{
	for (int i = 0; i < 10; i++)
		a.v[i] -= b.v[i];
	return a;
}

/* Carries every limb to its width, rounding, in two passes; the top limb carries into limb 0 times 19. */
static fe fe_carry(int64_t d[10])
{
	fe out;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 10; i++) {
			unsigned int bits = fe_bits(i);
			int64_t c = (d[i] + ((int64_t)1 << (bits - 1))) >> bits;
			d[i] -= c * ((int64_t)1 << bits);
			if (i < 9)
				d[i + 1] += c;
			else
				d[0] += 19 * c;
		}
	}
	for (int i = 0; i < 10; i++)
		out.v[i] = (int32_t)d[i];
	return out;
}

static fe fe_mul(fe a, fe b)
{
	int64_t d[10] = { 0 };

	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 10; j++) {
			int64_t x = (int64_t)a.v[i] * b.v[j] * (i & j & 1 ? 2 : 1);
			if (i + j < 10)
				d[i + j] += x;
			else
				d[i + j - 10] += 19 * x;
		}
	}
	return fe_carry(d);
}

static fe fe_square(fe a)
{
	return fe_mul(a, a);
}

static fe fe_mul_small(fe a, uint32_t k)
{
	int64_t d[10];

	for (int i = 0; i < 10; i++)
		d[i] = (int64_t)a.v[i] * (int32_t)k;
	return fe_carry(d);
}

/* Exchanges a and b if mask is all ones, not if it is 0. */
always_inline void fe_swap(fe *a, fe *b, uint64_t mask)
{
	for (int i = 0; i < 10; i++) {
		int32_t x = (int32_t)mask & (a->v[i] ^ b->v[i]);
		a->v[i] ^= x;
		b->v[i] ^= x;
	}
}

static void fe_store(uint8_t out[32], fe a)
{
	int64_t d[10], c = 0;
	uint64_t w = 0;
	unsigned int have = 0;

	for (int i = 0; i < 10; i++)
		d[i] = a.v[i];
	a = fe_carry(d);
	for (int i = 0; i < 10; i++) /* add 2p, so that all limbs are positive */
		d[i] = a.v[i] + 2 * (((int64_t)1 << fe_bits(i)) - (i ? 1 : 19));
	for (int round = 0; round < 3; round++) { /* the third pass subtracts p if the value is not below p */
		if (round == 2) {
			c = 19;
			for (int i = 0; i < 10; i++)
				c = (d[i] + c) >> fe_bits(i);
			c *= 19;
		}
		for (int i = 0; i < 10; i++) {
			d[i] += c;
			c = d[i] >> fe_bits(i);
			d[i] &= ((int64_t)1 << fe_bits(i)) - 1;
		}
		c *= 19;
	}
	for (int i = 0, o = 0; i < 10; i++) {
		w |= (uint64_t)d[i] << have;
		for (have += fe_bits(i); have >= 8 || (i == 9 && o < 32); have -= have < 8 ? have : 8) {
			out[o++] = (uint8_t)w;
			w >>= 8;
		}
	}
}

#endif
