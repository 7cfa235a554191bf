/* Poly1305 of one message in four lanes of AVX2. Lane i adds every fourth block and is multiplied with r^4 after each;
 * at the end lane i is multiplied with r^(4 - i), and the lanes are summed. In long messages two groups of four blocks
 * share one carry. */
#include "crypto/poly1305.h"
#if CRYPTO_X86
#include "poly1305_avx2.h"

enum {
	GROUP_BYTES = 64,       /* one block per lane */
	VECTOR_MIN_BYTES = 192, /* for shorter messages integer code is faster */
	PAIRS_MIN_GROUPS = 7,   /* for fewer groups the r^8 of pairs() does not pay off */
};

static struct poly4 broadcast(struct poly4 p)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		p.l[i] = _mm256_permute4x64_epi64(p.l[i], 0);
	return p;
}

/* r^4, r^2, r^3, r^1 in lanes 0-3: the order of load(). */
static struct poly4 powers(struct poly4 r1)
{
	struct factor4 f = poly4_factor(r1);
	struct poly4 r2 = poly4_mul(r1, &f), out;

	f = poly4_factor(r2);
	UNROLL
	for (int i = 0; i < 5; i++) /* 2 1 2 1 */
		r1.l[i] = _mm256_blend_epi32(r2.l[i], r1.l[i], 0xcc);
	out = poly4_mul(r1, &f); /* 4 3 4 3 */
	UNROLL
	for (int i = 0; i < 5; i++) /* 4 3 2 1, then 4 2 3 1 */
		out.l[i] = _mm256_permute4x64_epi64(_mm256_blend_epi32(out.l[i], r1.l[i], 0xf0), 0xd8);
	return out;
}

/* Four blocks; lanes 0-3 are blocks 0, 2, 1, 3. */
always_inline struct pair4 load(const uint8_t *m)
{
	__m256i a = _mm256_loadu_si256((const void *)m);
	__m256i b = _mm256_loadu_si256((const void *)(m + 32));

	return (struct pair4){ _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b) };
}

always_inline struct poly4 absorb(struct poly4 h, const uint8_t *m)
{
	return poly4_absorb(h, load(m));
}

/* Adds n pairs of groups with one carry per pair: h = (h + m0) r^8 + m1 r^4. */
static struct poly4 pairs(struct poly4 h, const uint8_t *m, size_t n, const struct factor4 *r4)
{
	struct factor4 r8 = poly4_factor(poly4_mul(poly4_from_factor(r4), r4));
	const struct factor4 *f = &r8;
	struct shifted4 shifted;
	const struct shifted4 *w = &shifted;
	struct poly4 top_bits = poly4_top_bits(r4), d;

	poly4_shift(&shifted, r4);
	for (; n > 0; n--, m += 2 * GROUP_BYTES) {
		value_barrier(f);
		value_barrier(w);
		d = top_bits;
		poly4_words_add(&d, load(m + GROUP_BYTES), w);
		poly4_mul_add(&d, absorb(h, m), f);
		h = poly4_reduce(d);
	}
	mem_wipe(&r8, sizeof r8);
	mem_wipe(&shifted, sizeof shifted);
	return h;
}

/* h in lane 0, zero in the others. */
static struct poly4 in_lane_0(const uint64_t h[3])
{
	return poly4_split(_mm256_set_epi64x(0, 0, 0, (long long)h[0]),
			   _mm256_set_epi64x(0, 0, 0, (long long)h[1]),
			   _mm256_set_epi64x(0, 0, 0, (long long)h[2]));
}

/* The sum of the lanes, partly reduced: limb 4 is carried into limb 0 here, the others in poly4_words(). */
static void sum_lanes(uint64_t h[3], struct poly4 p)
{
	uint64_t limbs[5][4];

	for (int i = 0; i < 5; i++) {
		_mm256_storeu_si256((void *)limbs[i], p.l[i]);
		limbs[i][0] += limbs[i][1] + limbs[i][2] + limbs[i][3];
	}
	limbs[0][0] += 5 * (limbs[4][0] >> 26);
	limbs[4][0] &= POLY_M26;
	poly4_words(h, limbs, 0);
	mem_wipe(limbs, sizeof limbs);
}

void poly1305_blocks_avx2(struct poly1305 *p, const uint8_t *m, size_t n)
{
	size_t odd = n % GROUP_BYTES, groups = n / GROUP_BYTES;
	struct poly4 all, h;
	struct factor4 f;

	assert(n % POLY1305_BLOCK_BYTES == 0);
	if (n < VECTOR_MIN_BYTES) {
		poly1305_blocks_short(p, m, n);
		return;
	}
	if (odd > 0)
		poly1305_blocks_short(p, m, odd);
	m += odd;
	all = powers(poly4_split(_mm256_set1_epi64x((long long)p->r[0]),
				 _mm256_set1_epi64x((long long)p->r[1]), _mm256_setzero_si256()));
	f = poly4_factor(broadcast(all));
	h = in_lane_0(p->h);
	if (groups >= PAIRS_MIN_GROUPS) {
		size_t done = (groups - 1) / 2;
		h = pairs(h, m, done, &f);
		m += done * 2 * GROUP_BYTES;
		groups -= 2 * done;
	}
	h = absorb(h, m);
	for (; groups > 1; groups--) {
		m += GROUP_BYTES;
		h = absorb(poly4_mul(h, &f), m);
	}
	f = poly4_factor(all);
	sum_lanes(p->h, poly4_mul(h, &f));
	mem_wipe(&f, sizeof f);
}
#endif
