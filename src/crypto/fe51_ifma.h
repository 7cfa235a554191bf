/* The field of 2^255 - 19 in lanes, five limbs of 51 bits each. The multiplier takes factors below
 * 2^52, so sums and differences are carried: every fe has limbs below 2^51 + 2^16.
 * The file that includes this defines `vec`, a vector of uint64_t, and LO52(d, a, b) and HI52: d plus
 * the lower or upper 52 bits of the 104 of a * b. */
#ifndef WG_FE51_IFMA_H
#define WG_FE51_IFMA_H

#include "impl.h"

typedef struct { vec v[5]; } fe;

#define LIMB51 (((uint64_t)1 << 51) - 1)

always_inline vec all_lanes(uint64_t v)
{
	return (vec){ 0 } + v;
}

/* All limbs side by side, each below 2^63; what leaves the top comes back times 19. */
always_inline fe fe_carry(fe d)
{
	fe out;

	out.v[0] = LO52(d.v[0] & LIMB51, d.v[4] >> 51, all_lanes(19));
	UNROLL
	for (int i = 1; i < 5; i++)
		out.v[i] = (d.v[i] & LIMB51) + (d.v[i - 1] >> 51);
	return out;
}

always_inline fe fe_small(uint64_t v)
{
	fe out = { { all_lanes(v) } };

	UNROLL
	for (int i = 1; i < 5; i++)
		out.v[i] = all_lanes(0);
	return out;
}

/* Limb i of 2p, from which a limb is taken away. */
always_inline vec twice_p(int i)
{
	return all_lanes(2 * (LIMB51 - (i ? 0 : 18)));
}

always_inline fe fe_add(fe a, fe b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] += b.v[i];
	return fe_carry(a);
}

always_inline fe fe_sub(fe a, fe b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] += twice_p(i) - b.v[i];
	return fe_carry(a);
}

/* lo and hi: the halves of the products by their place. High halves are 2^52 = 2 * 2^51 times their
 * place: they go one up, twice. Places 5-9 come down times 19. */
always_inline fe fe_fold(const vec lo[9], const vec hi[9])
{
	fe out;

	UNROLL
	for (int i = 0; i < 5; i++) {
		vec h = hi[i + 4] << 1;
		if (i < 4)
			h += lo[i + 5];
		out.v[i] = lo[i] + (h + (h << 1)) + (h << 4);
		if (i > 0)
			out.v[i] += hi[i - 1] << 1;
	}
	return fe_carry(out);
}

always_inline fe fe_mul(fe a, fe b)
{
	vec lo[9], hi[9];

	UNROLL
	for (int i = 0; i < 9; i++)
		lo[i] = hi[i] = all_lanes(0);
	UNROLL
	for (int i = 0; i < 5; i++) {
		UNROLL
		for (int j = 0; j < 5; j++) {
			lo[i + j] = LO52(lo[i + j], a.v[i], b.v[j]);
			hi[i + j] = HI52(hi[i + j], a.v[i], b.v[j]);
		}
	}
	return fe_fold(lo, hi);
}

always_inline fe fe_square(fe a)
{
	vec lo[9], hi[9];

	UNROLL
	for (int i = 0; i < 9; i++)
		lo[i] = hi[i] = all_lanes(0);
	UNROLL
	for (int i = 0; i < 4; i++) {
		UNROLL
		for (int j = i + 1; j < 5; j++) {
			lo[i + j] = LO52(lo[i + j], a.v[i], a.v[j]);
			hi[i + j] = HI52(hi[i + j], a.v[i], a.v[j]);
		}
	}
	UNROLL
	for (int i = 0; i < 9; i++) { /* mixed products count twice */
		lo[i] <<= 1;
		hi[i] <<= 1;
	}
	UNROLL
	for (int i = 0; i < 5; i++) {
		lo[2 * i] = LO52(lo[2 * i], a.v[i], a.v[i]);
		hi[2 * i] = HI52(hi[2 * i], a.v[i], a.v[i]);
	}
	return fe_fold(lo, hi);
}

/* a * k + b for k below 2^20; b may be null. */
always_inline fe fe_mul_small_add(fe a, uint32_t k, const fe *b)
{
	vec f = all_lanes(k), z = all_lanes(0), hi[5];
	fe out;

	UNROLL
	for (int i = 0; i < 5; i++) {
		out.v[i] = LO52(b ? b->v[i] : z, a.v[i], f);
		hi[i] = HI52(z, a.v[i], f) << 1;
	}
	out.v[0] = LO52(out.v[0], hi[4], all_lanes(19));
	UNROLL
	for (int i = 1; i < 5; i++)
		out.v[i] += hi[i - 1];
	return fe_carry(out);
}

always_inline fe fe_mul_small(fe a, uint32_t k)
{
	return fe_mul_small_add(a, k, NULL);
}

#endif
