/* Poly1305 in four lanes of AVX2: five limbs of 26 bits, each in 64. */
#ifndef WG_POLY1305_AVX2_H
#define WG_POLY1305_AVX2_H

#include <immintrin.h>
#include "crypto/impl.h"

#define POLY_M26 ((1ll << 26) - 1)

struct pair4 { /* four blocks of 16 bytes, as halves */
	__m256i lo, hi;
};
struct poly4 { /* four numbers */
	__m256i l[5];
};
struct factor4 { /* what they are multiplied with, and 5 times its upper limbs: 2^130 = 5 */
	__m256i r[5], s[5];
};

/* The 128-bit numbers (lo, hi) plus top << 128, in limbs. */
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

/* h + (lo, hi, 1): absorbs a whole block. */
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

/* Moves what is above 26 bits of d[from] to d[to], times 5 over the top. */
always_inline void poly4_carry(__m256i d[5], int from, int to)
{
	__m256i c = _mm256_srli_epi64(d[from], 26);

	d[from] = _mm256_and_si256(d[from], _mm256_set1_epi64x(POLY_M26));
	d[to] = _mm256_add_epi64(d[to], c);
	if (to == 0)
		d[to] = _mm256_add_epi64(d[to], _mm256_slli_epi64(c, 2));
}

/* d += h * f. Limbs of h below 2^28 and of f below 2^26 + 2^13 add less than 21 * 2^54.1 < 2^58.5. */
always_inline void poly4_mul_add(struct poly4 *p, struct poly4 h, const struct factor4 *f)
{
	__m256i *d = p->l;

	UNROLL
	for (int i = 0; i < 5; i++) {
		vector_barrier(h.l[i]); /* as value_barrier(f) in poly4_mul() */
		UNROLL
		for (int k = 0; k < 5; k++) {
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(h.l[i], i <= k ? f->r[k - i] :
									       f->s[k + 5 - i]));
			SETTLE(d[k]);
		}
	}
}

/* A sum of products as a number. Limbs in: below 2^62, so that the first carry of each is below 2^36 and limb 0
 * below 2^38.5 when it goes on to limb 1; out: below 2^26 + 2^13. Two chains of carries side by side. */
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

/* h * f. Limbs in: below 2^28. */
always_inline struct poly4 poly4_mul(struct poly4 h, const struct factor4 *f)
{
	struct poly4 out;
	__m256i *d = out.l;

	value_barrier(f); /* or clang makes 64-bit products of factors it has prepared elsewhere */
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

/* For blocks that are multiplied before anything is added to them: their four words of 32 bits need no
 * limbs, and 20 products instead of 25, when the factor is there times 2^0, 2^32, 2^64 and 2^96. */
struct shifted4 {
	__m256i w[4][5];
};

/* f * 2^(32 i) is f moved up by i limbs and 6 i bits. Limbs below 5 * (2^26 + 2^13) < 2^28.4 become limbs below
 * 2^46.4, those carry below 5 * 2^20.4 < 2^22.8, and what is left is below 2^26 + 2^22.8 < 2^26.2. */
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

/* d += m * f without the bit above m: less than 4 * 2^32 * 2^26.2 = 2^60.2, so three of these, their ones and
 * one poly4_mul_add() are below 3 * 2^60.2 + 2^54 + 2^58.5 < 2^62. */
always_inline void poly4_words_add(struct poly4 *p, struct pair4 m, const struct shifted4 *f)
{
	__m256i w[4] = { m.lo, _mm256_srli_epi64(m.lo, 32), m.hi, _mm256_srli_epi64(m.hi, 32) };
	__m256i *d = p->l;

	UNROLL
	for (int i = 0; i < 4; i++) {
		UNROLL
		for (int k = 0; k < 5; k++) {
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(w[i], f->w[i][k]));
			SETTLE(d[k]);
		}
	}
}

always_inline struct poly4 poly4_of(const struct factor4 *f)
{
	struct poly4 p;

	UNROLL
	for (int k = 0; k < 5; k++)
		p.l[k] = f->r[k];
	return p;
}

/* The bits above blocks that are multiplied with f, or with several whose sum it is: 2^128 is four limbs and 24
 * bits. Of three: below 2^24 * 5 * 3 * (2^26 + 2^13) < 2^54. */
always_inline struct poly4 poly4_ones(const struct factor4 *f)
{
	struct poly4 d;

	UNROLL
	for (int k = 0; k < 5; k++)
		d.l[k] = _mm256_slli_epi64(k == 4 ? f->r[0] : f->s[k + 1], 24);
	return d;
}

/* The words of lane `lane` of stored limbs. */
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
