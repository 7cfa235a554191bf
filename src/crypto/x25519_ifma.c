#include "impl.h"
#if CRYPTO_X86
#include <immintrin.h>

/* Eight X25519 in the lanes of AVX-512 IFMA. The field of 2^255 - 19 in five limbs of 51 bits; the
 * multiplier takes factors below 2^52, so sums and differences are carried: every fe has limbs
 * below 2^51 + 2^16. */

enum { LANES = 8 };

typedef struct { __m512i v[5]; } fe;

#define LO52(d, a, b) _mm512_madd52lo_epu64(d, a, b)
#define HI52(d, a, b) _mm512_madd52hi_epu64(d, a, b)
#define LIMB51 ((1ll << 51) - 1)

/* All limbs side by side, each below 2^63; what leaves the top comes back times 19. */
always_inline fe fe_carry(const __m512i d[5])
{
	const __m512i m = _mm512_set1_epi64(LIMB51);
	__m512i top = _mm512_srli_epi64(d[4], 51);
	fe out;

	out.v[0] = LO52(_mm512_and_si512(d[0], m), top, _mm512_set1_epi64(19));
	UNROLL
	for (int i = 1; i < 5; i++)
		out.v[i] = _mm512_add_epi64(_mm512_and_si512(d[i], m),
					    _mm512_srli_epi64(d[i - 1], 51));
	return out;
}

always_inline fe fe_small(long long v)
{
	fe out = { { _mm512_set1_epi64(v) } };

	UNROLL
	for (int i = 1; i < 5; i++)
		out.v[i] = _mm512_setzero_si512();
	return out;
}

always_inline fe fe_add(fe a, fe b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] = _mm512_add_epi64(a.v[i], b.v[i]);
	return fe_carry(a.v);
}

always_inline fe fe_sub(fe a, fe b) /* a + 2p - b */
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] = _mm512_sub_epi64(
			_mm512_add_epi64(a.v[i], _mm512_set1_epi64(2 * (LIMB51 - (i ? 0 : 18)))),
			b.v[i]);
	return fe_carry(a.v);
}

/* c[0..9] has weights 2^(51 i): the upper half comes down times 19. */
always_inline fe fe_fold(__m512i c[10])
{
	UNROLL
	for (int i = 0; i < 5; i++) {
		__m512i h = c[5 + i];
		__m512i h3 = _mm512_add_epi64(h, _mm512_slli_epi64(h, 1));
		c[i] = _mm512_add_epi64(c[i], _mm512_add_epi64(h3, _mm512_slli_epi64(h, 4)));
	}
	return fe_carry(c);
}

/* High halves are 2^52 = 2 * 2^51 times their column: they go one column up, twice. */
always_inline fe fe_mul(fe a, fe b)
{
	const __m512i z = _mm512_setzero_si512();
	__m512i lo[10] = { z, z, z, z, z, z, z, z, z, z };
	__m512i hi[10] = { z, z, z, z, z, z, z, z, z, z };

	UNROLL
	for (int i = 0; i < 5; i++) {
		UNROLL
		for (int j = 0; j < 5; j++) {
			lo[i + j] = LO52(lo[i + j], a.v[i], b.v[j]);
			hi[i + j + 1] = HI52(hi[i + j + 1], a.v[i], b.v[j]);
		}
	}
	UNROLL
	for (int i = 1; i < 10; i++)
		lo[i] = _mm512_add_epi64(lo[i], _mm512_slli_epi64(hi[i], 1));
	return fe_fold(lo);
}

always_inline fe fe_square(fe a)
{
	const __m512i z = _mm512_setzero_si512();
	__m512i lo[10] = { z, z, z, z, z, z, z, z, z, z };
	__m512i hi[10] = { z, z, z, z, z, z, z, z, z, z };

	UNROLL
	for (int i = 0; i < 4; i++) {
		UNROLL
		for (int j = i + 1; j < 5; j++) {
			lo[i + j] = LO52(lo[i + j], a.v[i], a.v[j]);
			hi[i + j + 1] = HI52(hi[i + j + 1], a.v[i], a.v[j]);
		}
	}
	UNROLL
	for (int i = 0; i < 10; i++) { /* mixed products count twice */
		lo[i] = _mm512_slli_epi64(lo[i], 1);
		hi[i] = _mm512_slli_epi64(hi[i], 1);
	}
	UNROLL
	for (int i = 0; i < 5; i++) {
		lo[2 * i] = LO52(lo[2 * i], a.v[i], a.v[i]);
		hi[2 * i + 1] = HI52(hi[2 * i + 1], a.v[i], a.v[i]);
	}
	UNROLL
	for (int i = 1; i < 10; i++)
		lo[i] = _mm512_add_epi64(lo[i], _mm512_slli_epi64(hi[i], 1));
	return fe_fold(lo);
}

always_inline fe fe_mul_small(fe a, uint32_t k)
{
	const __m512i z = _mm512_setzero_si512(), f = _mm512_set1_epi64(k);
	__m512i c[5], hi[6];

	UNROLL
	for (int i = 0; i < 5; i++) {
		c[i] = LO52(z, a.v[i], f);
		hi[i] = _mm512_slli_epi64(HI52(z, a.v[i], f), 1);
	}
	c[0] = LO52(c[0], hi[4], _mm512_set1_epi64(19));
	UNROLL
	for (int i = 1; i < 5; i++)
		c[i] = _mm512_add_epi64(c[i], hi[i - 1]);
	return fe_carry(c);
}

#include "x25519_ladder.h"

static void swap_lanes(fe *a, fe *b, __mmask8 m)
{
	UNROLL
	for (int i = 0; i < 5; i++) {
		__m512i x = a->v[i];
		a->v[i] = _mm512_mask_mov_epi64(x, m, b->v[i]);
		b->v[i] = _mm512_mask_mov_epi64(b->v[i], m, x);
	}
}

/* Word i of all the jobs' 32 bytes at `offset`; lanes without a job repeat the first. */
static void load_words(__m512i w[4], const struct x25519_job *jobs, size_t n, size_t offset)
{
	uint64_t words[4][LANES];

	for (size_t i = 0; i < LANES; i++)
		for (size_t k = 0; k < 4; k++)
			words[k][i] = load_le64((const uint8_t *)&jobs[i < n ? i : 0] + offset + 8 * k);
	for (int k = 0; k < 4; k++)
		w[k] = _mm512_loadu_si512(words[k]);
	mem_wipe(words, sizeof words);
}

static fe load_points(const struct x25519_job *jobs, size_t n)
{
	const __m512i m = _mm512_set1_epi64(LIMB51);
	__m512i w[4];
	fe out;

	load_words(w, jobs, n, offsetof(struct x25519_job, u));
	out.v[0] = _mm512_and_si512(w[0], m);
	out.v[1] = _mm512_or_si512(_mm512_srli_epi64(w[0], 51), _mm512_slli_epi64(w[1], 13));
	out.v[2] = _mm512_or_si512(_mm512_srli_epi64(w[1], 38), _mm512_slli_epi64(w[2], 26));
	out.v[3] = _mm512_or_si512(_mm512_srli_epi64(w[2], 25), _mm512_slli_epi64(w[3], 39));
	out.v[4] = _mm512_srli_epi64(w[3], 12);
	for (int i = 1; i < 5; i++)
		out.v[i] = _mm512_and_si512(out.v[i], m);
	return out;
}

/* Carries once around, starting with `c` at the bottom; returns what leaves the top. */
static __m512i carry_around(fe *a, __m512i c)
{
	for (int i = 0; i < 5; i++) {
		a->v[i] = _mm512_add_epi64(a->v[i], c);
		c = _mm512_srli_epi64(a->v[i], 51);
		a->v[i] = _mm512_and_si512(a->v[i], _mm512_set1_epi64(LIMB51));
	}
	return c;
}

/* The one representative below p. */
static void store_results(struct x25519_job *jobs, size_t n, fe a)
{
	const __m512i nineteen = _mm512_set1_epi64(19);
	const __m512i z = _mm512_setzero_si512();
	uint64_t words[4][LANES];
	fe plus_19;
	__m512i c;

	c = LO52(z, carry_around(&a, z), nineteen);
	c = LO52(z, carry_around(&a, c), nineteen);
	a.v[0] = _mm512_add_epi64(a.v[0], c);
	plus_19 = a;
	c = carry_around(&plus_19, nineteen); /* 1 where p fits: then 19 more and 2^255 less */
	(void)carry_around(&a, LO52(z, c, nineteen));
	_mm512_storeu_si512(words[0], _mm512_or_si512(a.v[0], _mm512_slli_epi64(a.v[1], 51)));
	_mm512_storeu_si512(words[1], _mm512_or_si512(_mm512_srli_epi64(a.v[1], 13),
						      _mm512_slli_epi64(a.v[2], 38)));
	_mm512_storeu_si512(words[2], _mm512_or_si512(_mm512_srli_epi64(a.v[2], 26),
						      _mm512_slli_epi64(a.v[3], 25)));
	_mm512_storeu_si512(words[3], _mm512_or_si512(_mm512_srli_epi64(a.v[3], 39),
						      _mm512_slli_epi64(a.v[4], 12)));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			store_le64(jobs[i].out.b + 8 * k, words[k][i]);
	mem_wipe(words, sizeof words);
}

void x25519_batch_ifma(struct x25519_job *jobs, size_t n)
{
	fe x1 = load_points(jobs, n);
	struct ladder l = { fe_small(1), fe_small(0), x1, fe_small(1) };
	__mmask8 swap = 0;
	__m512i k[4];

	load_words(k, jobs, n, offsetof(struct x25519_job, key));
	k[0] = _mm512_and_si512(k[0], _mm512_set1_epi64(~7ll));
	k[3] = _mm512_and_si512(k[3], _mm512_set1_epi64(INT64_MAX));
	k[3] = _mm512_or_si512(k[3], _mm512_set1_epi64(1ll << 62));
	for (int t = 254; t >= 0; t--) {
		__mmask8 bits = _mm512_test_epi64_mask(k[t / 64], _mm512_set1_epi64(1ll << t % 64));
		swap ^= bits;
		swap_lanes(&l.x2, &l.x3, swap);
		swap_lanes(&l.z2, &l.z3, swap);
		swap = bits;
		ladder_step(&l, &x1);
	}
	/* a clamped scalar ends in a zero bit: nothing left to swap */
	store_results(jobs, n, fe_mul(l.x2, fe_invert(l.z2)));
	mem_wipe(&l, sizeof l);
	mem_wipe(k, sizeof k);
}
#endif
