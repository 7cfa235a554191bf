/* Poly1305 with AVX2. */
#include "impl.h"
#if CRYPTO_X86
#include "poly1305_avx2.h"

/* One message in four lanes: lane i takes every fourth block and is multiplied with r^4; in the end
 * lane i is worth r^(4 - i), then all are summed. Long messages in two such sums, which take every second
 * group, are multiplied with r^8 and fill each other's waits. */

enum { GROUP_BYTES = 64, WORTH_BYTES = 192, TWICE_GROUPS = 8 };

static struct poly4 broadcast(struct poly4 p)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		p.l[i] = _mm256_permute4x64_epi64(p.l[i], 0);
	return p;
}

/* r^4 r^2 r^3 r^1 in the lanes, which is the order of absorb(). */
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

/* Blocks in the order of lanes 0 2 1 3. */
always_inline struct poly4 absorb(struct poly4 h, const uint8_t *m)
{
	__m256i a = _mm256_loadu_si256((const void *)m);
	__m256i b = _mm256_loadu_si256((const void *)(m + 32));

	return poly4_absorb(h, _mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

static struct poly4 lane_0(const uint64_t h[3])
{
	return poly4_split(_mm256_set_epi64x(0, 0, 0, (long long)h[0]),
			   _mm256_set_epi64x(0, 0, 0, (long long)h[1]),
			   _mm256_set_epi64x(0, 0, 0, (long long)h[2]));
}

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
	struct poly4 all, r4, h, odd_h;
	struct factor4 f, f8;

	if (n < WORTH_BYTES) {
		poly1305_blocks_portable(p, m, n);
		return;
	}
	poly1305_blocks_portable(p, m, odd);
	m += odd;
	all = powers(poly4_split(_mm256_set1_epi64x((long long)p->r[0]),
				 _mm256_set1_epi64x((long long)p->r[1]), _mm256_setzero_si256()));
	r4 = broadcast(all);
	f = poly4_factor(r4);
	h = absorb(lane_0(p->h), m);
	if (groups >= TWICE_GROUPS) {
		f8 = poly4_factor(poly4_mul(r4, &f));
		odd_h = absorb(poly4_zero(), m + GROUP_BYTES);
		for (; groups >= 4; groups -= 2) {
			m += 2 * GROUP_BYTES;
			h = absorb(poly4_mul(h, &f8), m);
			odd_h = absorb(poly4_mul(odd_h, &f8), m + GROUP_BYTES);
		}
		h = poly4_add(poly4_mul(h, &f), odd_h);
		m += GROUP_BYTES;
		groups--;
		mem_wipe(&f8, sizeof f8);
	}
	for (; groups > 1; groups--) {
		m += GROUP_BYTES;
		h = absorb(poly4_mul(h, &f), m);
	}
	f = poly4_factor(all);
	sum_lanes(p->h, poly4_mul(h, &f));
	mem_wipe(&f, sizeof f);
}
#endif
