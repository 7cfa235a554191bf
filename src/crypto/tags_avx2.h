/* The tags of a run in AVX2: one packet in each of four lanes as far as all of them reach, the rest
 * of each alone. After aead_lanes.h; gives lanes_tags(). */
#ifndef WG_TAGS_AVX2_H
#define WG_TAGS_AVX2_H

#include "poly1305_avx2.h"

/* Four packets whose sizes differ by more are better off one after the other. */
enum { QUARTET = 4, SPREAD = 256 };

/* The same 32 bytes of four packets: two blocks, each as (lo, hi) in the order of the packets. */
always_inline void gather32(__m256i lo[2], __m256i hi[2], const uint8_t *const text[4], size_t at)
{
	__m256i v[4], a, b;

	UNROLL
	for (int i = 0; i < 4; i++)
		v[i] = _mm256_loadu_si256((const void *)(text[i] + at));
	a = _mm256_permute2x128_si256(v[0], v[2], 0x20);
	b = _mm256_permute2x128_si256(v[1], v[3], 0x20);
	lo[0] = _mm256_unpacklo_epi64(a, b);
	hi[0] = _mm256_unpackhi_epi64(a, b);
	a = _mm256_permute2x128_si256(v[0], v[2], 0x31);
	b = _mm256_permute2x128_si256(v[1], v[3], 0x31);
	lo[1] = _mm256_unpacklo_epi64(a, b);
	hi[1] = _mm256_unpackhi_epi64(a, b);
}

static void quartet_tags(struct lanes *l, uint32_t first)
{
	size_t together = l->packets[first]->n & ~(size_t)31; /* sorted: the first is the shortest */
	struct poly1305 p[QUARTET];
	struct poly4 h = poly4_zero();
	struct factor4 f;
	uint64_t limbs[5][4];
	__m256i lo[2], hi[2];

	for (uint32_t i = 0; i < QUARTET; i++)
		poly1305_init(&p[i], l->poly_keys[first + i]);
	lo[0] = _mm256_set_epi64x((long long)p[3].r[0], (long long)p[2].r[0], (long long)p[1].r[0],
				  (long long)p[0].r[0]);
	hi[0] = _mm256_set_epi64x((long long)p[3].r[1], (long long)p[2].r[1], (long long)p[1].r[1],
				  (long long)p[0].r[1]);
	f = poly4_factor(poly4_split(lo[0], hi[0], _mm256_setzero_si256()));
	for (size_t at = 0; at < together; at += 32) {
		gather32(lo, hi, &l->sealed[first], at);
		h = poly4_mul(poly4_absorb(h, lo[0], hi[0]), &f);
		h = poly4_mul(poly4_absorb(h, lo[1], hi[1]), &f);
	}
	for (int i = 0; i < 5; i++)
		_mm256_storeu_si256((void *)limbs[i], h.l[i]);
	for (uint32_t i = 0; i < QUARTET; i++) {
		poly4_words(p[i].h, limbs, (int)i);
		lanes_finish_tag(l, first + i, &p[i], together, poly1305_blocks_avx2);
	}
	mem_wipe(limbs, sizeof limbs);
	mem_wipe(&f, sizeof f);
}

static void lanes_tags(struct lanes *l)
{
	for (uint32_t i = 0; i < l->n;) {
		if (i + QUARTET <= l->n && l->packets[i + QUARTET - 1]->n - l->packets[i]->n < SPREAD) {
			quartet_tags(l, i);
			i += QUARTET;
		} else {
			lanes_tag_alone(l, i++, poly1305_blocks_avx2);
		}
	}
}

#endif
