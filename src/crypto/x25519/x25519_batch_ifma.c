/* Eight X25519 multiplications at a time in AVX-512 IFMA, one per lane: the ladder runs on vectors of field elements, and
 * a mask per step swaps the points in those lanes whose scalar bit says so. */
#include "crypto/x25519.h"
#if CRYPTO_X86
#include <immintrin.h>

enum { LANES = 8 };

typedef uint64_t vec __attribute__((vector_size(64)));
#define LO52(d, a, b) (vec)_mm512_madd52lo_epu64((__m512i)(d), (__m512i)(a), (__m512i)(b))
#define HI52(d, a, b) (vec)_mm512_madd52hi_epu64((__m512i)(d), (__m512i)(a), (__m512i)(b))
#include "fe51_ifma.inc"
#include "x25519_ladder.inc"

_Static_assert(sizeof(vec) == 8 * LANES, "64-bit lanes");
_Static_assert(sizeof(struct wg_private) == 32 && sizeof(struct wg_public) == 32, "read as four words");

/* Exchanges a and b in the lanes of m. */
static void swap_lanes(fe *a, fe *b, __mmask8 m)
{
	UNROLL
	for (int i = 0; i < 5; i++) {
		__m512i x = (__m512i)a->v[i], y = (__m512i)b->v[i];
		a->v[i] = (vec)_mm512_mask_mov_epi64(x, m, y);
		b->v[i] = (vec)_mm512_mask_mov_epi64(y, m, x);
	}
}

/* w[k]: word k of the 32 bytes at `offset` of every job; lanes without a job repeat the first. */
static void load_words(vec w[4], const struct x25519_job *jobs, size_t n, size_t offset)
{
	for (size_t i = 0; i < LANES; i++)
		for (size_t k = 0; k < 4; k++)
			w[k][i] = load_le64((const uint8_t *)&jobs[i < n ? i : 0] + offset + 8 * k);
}

static fe load_points(const struct x25519_job *jobs, size_t n)
{
	vec w[4];

	load_words(w, jobs, n, offsetof(struct x25519_job, u));
	return (fe){ { w[0] & LIMB51, (w[0] >> 51 | w[1] << 13) & LIMB51,
		       (w[1] >> 38 | w[2] << 26) & LIMB51, (w[2] >> 25 | w[3] << 39) & LIMB51,
		       w[3] >> 12 & LIMB51 } };
}

/* Adds c to limb 0 and carries through all limbs; returns the carry out of the top limb. */
static vec carry_around(fe *a, vec c)
{
	for (int i = 0; i < 5; i++) {
		a->v[i] += c;
		c = a->v[i] >> 51;
		a->v[i] &= LIMB51;
	}
	return c;
}

/* Reduces fully, to the representative below p, and stores it. */
static void store_results(struct x25519_job *jobs, size_t n, fe a)
{
	fe plus_19;
	vec w[4], c;

	c = carry_around(&a, all_lanes(0)) * 19;
	c = carry_around(&a, c) * 19;
	a.v[0] += c;
	plus_19 = a;
	c = carry_around(&plus_19, all_lanes(19)); /* 1 if a >= p: then add 19, drop 2^255 */
	(void)carry_around(&a, c * 19);
	w[0] = a.v[0] | a.v[1] << 51;
	w[1] = a.v[1] >> 13 | a.v[2] << 38;
	w[2] = a.v[2] >> 26 | a.v[3] << 25;
	w[3] = a.v[3] >> 39 | a.v[4] << 12;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			store_le64(jobs[i].out.b + 8 * k, w[k][i]);
}

void x25519_batch_ifma(struct x25519_job *jobs, size_t n)
{
	fe x1 = load_points(jobs, n);
	struct ladder l = { fe_small(1), fe_small(0), x1, fe_small(1) };
	__mmask8 swap = 0;
	vec k[4];

	assert(n >= 1 && n <= LANES);
	load_words(k, jobs, n, offsetof(struct x25519_job, key));
	k[0] &= ~(uint64_t)7;
	k[3] = (k[3] & INT64_MAX) | (uint64_t)1 << 62;
	for (int t = 254; t >= 0; t--) {
		__mmask8 bits = _mm512_test_epi64_mask((__m512i)k[t / 64],
						       _mm512_set1_epi64((long long)(1ull << t % 64)));
		swap ^= bits;
		swap_lanes(&l.x2, &l.x3, swap);
		swap_lanes(&l.z2, &l.z3, swap);
		swap = bits;
		ladder_step(&l, &x1);
	}
	/* bit 0 of a clamped scalar is 0: the points are in place */
	store_results(jobs, n, fe_mul(l.x2, fe_invert(l.z2)));
	mem_wipe(&l, sizeof l);
	mem_wipe(k, sizeof k);
}
#endif
