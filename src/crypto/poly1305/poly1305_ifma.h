/* Arithmetic mod 2^130 - 5 on eight numbers at a time in AVX-512 IFMA: a number is three limbs of 44, 44 and 42 bits,
 * limb i of all eight numbers is one register of 64-bit lanes, and vpmadd52 multiplies 52 x 52 bits and adds the lower
 * or upper half of the product. Limbs are not fully carried between multiplications. */
#ifndef WG_POLY1305_IFMA_H
#define WG_POLY1305_IFMA_H

#include <immintrin.h>
#include "crypto/poly1305.h"

#define POLY_M44 ((1ll << 44) - 1)
#define POLY_M42 ((1ll << 42) - 1)

struct poly8 { /* eight numbers */
	__m512i l[3];
};
struct factor8 { /* a multiplier per lane: its limbs, and 20 times the upper ones, as 2^132 is 20 */
	__m512i r[3], s1, s2;
};

/* lo + hi * 2^64 + top * 2^128 in limbs. */
always_inline struct poly8 poly8_split(__m512i lo, __m512i hi, __m512i top)
{
	const __m512i m44 = _mm512_set1_epi64(POLY_M44);
	struct poly8 p;

	p.l[0] = _mm512_and_si512(lo, m44);
	p.l[1] = _mm512_and_si512(
		_mm512_or_si512(_mm512_srli_epi64(lo, 44), _mm512_slli_epi64(hi, 20)), m44);
	p.l[2] = _mm512_or_si512(_mm512_srli_epi64(hi, 24), _mm512_slli_epi64(top, 40));
	return p;
}

always_inline struct poly8 poly8_add(struct poly8 a, struct poly8 b)
{
	UNROLL
	for (int i = 0; i < 3; i++)
		a.l[i] = _mm512_add_epi64(a.l[i], b.l[i]);
	return a;
}

/* Adds a whole block, with the bit above it. */
always_inline struct poly8 poly8_absorb(struct poly8 h, __m512i lo, __m512i hi)
{
	return poly8_add(h, poly8_split(lo, hi, _mm512_set1_epi64(1)));
}

always_inline struct factor8 poly8_factor(struct poly8 r)
{
	struct factor8 f = { { r.l[0], r.l[1], r.l[2] }, r.l[1], r.l[2] };

	f.s1 = _mm512_slli_epi64(_mm512_add_epi64(r.l[1], _mm512_slli_epi64(r.l[1], 2)), 2);
	f.s2 = _mm512_slli_epi64(_mm512_add_epi64(r.l[2], _mm512_slli_epi64(r.l[2], 2)), 2);
	return f;
}

#define LO52(d, a, b) _mm512_madd52lo_epu64(d, a, b)
#define HI52(d, a, b) _mm512_madd52hi_epu64(d, a, b)

struct product8 { /* sums of products: d[i] of their lower 52 bits, e[i] of the upper ones, each for limb i */
	__m512i d[3], e[3];
};

/* p += h * f, without carries. Limbs of h: below 2^46. */
always_inline void poly8_mul_add(struct product8 *p, struct poly8 h, struct factor8 f)
{
	__m512i *a = h.l, *d = p->d, *e = p->e;

	e[2] = HI52(HI52(HI52(e[2], a[0], f.r[2]), a[1], f.r[1]), a[2], f.r[0]);
	e[0] = HI52(HI52(HI52(e[0], a[0], f.r[0]), a[1], f.s2), a[2], f.s1);
	e[1] = HI52(HI52(HI52(e[1], a[0], f.r[1]), a[1], f.r[0]), a[2], f.s2);
	d[0] = LO52(LO52(LO52(d[0], a[0], f.r[0]), a[1], f.s2), a[2], f.s1);
	d[1] = LO52(LO52(LO52(d[1], a[0], f.r[1]), a[1], f.r[0]), a[2], f.s2);
	d[2] = LO52(LO52(LO52(d[2], a[0], f.r[2]), a[1], f.r[1]), a[2], f.r[0]);
}

/* Carries the sum of up to four products; limbs out: below 2^44 + 2^17. All limbs carry at once. The upper halves count
 * 2^52 times their limb: they move to the next limb shifted by 52 - 44 = 8 bits, and from the top limb, of 42 bits, to
 * limb 0 shifted by 10 and times 5. */
always_inline struct poly8 poly8_carry(struct product8 p)
{
	const __m512i m44 = _mm512_set1_epi64(POLY_M44), m42 = _mm512_set1_epi64(POLY_M42);
	__m512i *d = p.d, *e = p.e, c;
	struct poly8 out;

	d[0] = _mm512_add_epi64(d[0], _mm512_add_epi64(_mm512_slli_epi64(e[2], 10),
						       _mm512_slli_epi64(e[2], 12)));
	d[1] = _mm512_add_epi64(d[1], _mm512_slli_epi64(e[0], 8));
	d[2] = _mm512_add_epi64(d[2], _mm512_slli_epi64(e[1], 8));
	c = _mm512_srli_epi64(d[2], 42);
	c = _mm512_add_epi64(c, _mm512_slli_epi64(c, 2));
	out.l[0] = _mm512_add_epi64(_mm512_and_si512(d[0], m44), c);
	out.l[1] = _mm512_add_epi64(_mm512_and_si512(d[1], m44), _mm512_srli_epi64(d[0], 44));
	out.l[2] = _mm512_add_epi64(_mm512_and_si512(d[2], m42), _mm512_srli_epi64(d[1], 44));
	return out;
}

always_inline struct product8 product8_zero(void)
{
	__m512i z = _mm512_setzero_si512();

	return (struct product8){ { z, z, z }, { z, z, z } };
}

/* h * f, carried. Limbs of h: below 2^46. */
always_inline struct poly8 poly8_mul(struct poly8 h, struct factor8 f)
{
	struct product8 p = product8_zero();

	poly8_mul_add(&p, h, f);
	return poly8_carry(p);
}

#endif
