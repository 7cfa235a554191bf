/* Four X25519 multiplications at a time in AVX2, one per lane. */
#include "crypto/x25519.h"
#if CRYPTO_X86
#include "fe25_avx2_invert.inc"

enum { LANES = 4 };
_Static_assert(sizeof(vec) == 8 * LANES, "64-bit lanes");
_Static_assert(sizeof(struct wg_private) == 32 && sizeof(struct wg_public) == 32, "read as four words");

struct points { /* the state of the ladder, and intermediate values */
	fe x1, x2, z2, x3, z3, a, b, c, d;
};

/* w[k]: word k of the 32 bytes at `offset` of every job; lanes without a job repeat the first. */
static void load_words(vec w[4], const struct x25519_job *jobs, size_t n, size_t offset)
{
	for (size_t i = 0; i < LANES; i++)
		for (size_t k = 0; k < 4; k++)
			w[k][i] = load_le64((const uint8_t *)&jobs[i < n ? i : 0] + offset + 8 * k);
}

static void store_results(struct x25519_job *jobs, size_t n, const fe *a)
{
	vec l[10], w[4];

	fe_reduce(l, a);
	w[0] = l[0] | l[1] << 26 | l[2] << 51;
	w[1] = l[2] >> 13 | l[3] << 13 | l[4] << 38;
	w[2] = l[5] | l[6] << 25 | l[7] << 51;
	w[3] = l[7] >> 13 | l[8] << 12 | l[9] << 38;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			store_le64(jobs[i].out.b + 8 * k, w[k][i]);
}

/* A step of the ladder (RFC 7748 section 5), after it exchanged the two points in the lanes of swap. The exchange does not
 * change the sum: da and cb change places. So it is enough to select what is doubled. */
static void step(struct points *p, vec swap)
{
	fe_add(&p->a, &p->x2, &p->z2);
	fe_sub(&p->b, &p->x2, &p->z2);
	fe_add(&p->c, &p->x3, &p->z3);
	fe_sub(&p->d, &p->x3, &p->z3);
	fe_mul(&p->x3, &p->d, &p->a); /* da */
	fe_mul(&p->z3, &p->c, &p->b); /* cb */
	fe_select(&p->a, swap, &p->c, &p->a);
	fe_select(&p->b, swap, &p->d, &p->b);
	fe_square(&p->a, &p->a); /* aa */
	fe_square(&p->b, &p->b); /* bb */
	fe_add(&p->c, &p->x3, &p->z3);
	fe_sub(&p->d, &p->x3, &p->z3);
	fe_square(&p->x3, &p->c);
	fe_square(&p->d, &p->d);
	fe_mul(&p->z3, &p->d, &p->x1);
	fe_mul(&p->x2, &p->a, &p->b);
	fe_sub(&p->b, &p->a, &p->b); /* e */
	fe_add_small(&p->a, &p->a, &p->b, 121665);
	fe_mul(&p->z2, &p->a, &p->b);
}

void x25519_batch_avx2(struct x25519_job *jobs, size_t n)
{
	struct points p = { 0 };
	vec u[4], k[4], swap = all_lanes(0);

	assert(n >= 1 && n <= LANES);
	load_words(u, jobs, n, offsetof(struct x25519_job, u));
	p.x1 = p.x3 = (fe){ { LIMBS25(u) } };
	p.x2.v[0] = p.z3.v[0] = all_lanes(1);
	load_words(k, jobs, n, offsetof(struct x25519_job, key));
	k[0] &= ~(uint64_t)7;
	k[3] = (k[3] & INT64_MAX) | (uint64_t)1 << 62;
	for (int t = 254; t >= 0; t--) {
		vec bit = all_lanes(0) - (k[t / 64] >> t % 64 & 1);
		step(&p, swap ^ bit);
		swap = bit;
	}
	/* bit 0 of a clamped scalar is 0: the points are in place */
	fe_invert(&p.a, &p.z2);
	fe_mul(&p.a, &p.a, &p.x2);
	store_results(jobs, n, &p.a);
	mem_wipe(&p, sizeof p);
	mem_wipe(k, sizeof k);
}
#endif
