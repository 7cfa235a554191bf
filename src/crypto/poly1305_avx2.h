/* Poly1305 in four lanes of AVX2: five limbs of 26 bits, each in 64. */
#ifndef WG_POLY1305_AVX2_H
#define WG_POLY1305_AVX2_H

#include <immintrin.h>
#include "impl.h"

#define POLY_M26 ((1ll << 26) - 1)

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
always_inline struct poly4 poly4_absorb(struct poly4 h, __m256i lo, __m256i hi)
{
	return poly4_add(h, poly4_split(lo, hi, _mm256_set1_epi64x(1)));
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

/* h * f. Limbs in: below 2^28; out: below 2^26 + 2^10. Two chains of carries side by side. */
always_inline struct poly4 poly4_mul(struct poly4 h, const struct factor4 *f)
{
	struct poly4 out;
	__m256i *d = out.l;

	hide_value(f); /* or clang makes 64-bit products of factors it has prepared elsewhere */
	UNROLL
	for (int k = 0; k < 5; k++) {
		d[k] = _mm256_mul_epu32(h.l[0], f->r[k]);
		UNROLL
		for (int i = 1; i < 5; i++)
			d[k] = _mm256_add_epi64(d[k], _mm256_mul_epu32(h.l[i], i <= k ? f->r[k - i] :
								       f->s[k + 5 - i]));
	}
	poly4_carry(d, 0, 1);
	poly4_carry(d, 3, 4);
	poly4_carry(d, 1, 2);
	poly4_carry(d, 4, 0);
	poly4_carry(d, 2, 3);
	poly4_carry(d, 0, 1);
	poly4_carry(d, 3, 4);
	return out;
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
