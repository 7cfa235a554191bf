/* ChaCha20-Poly1305 of runs of packets in AVX2: key stream in sixteen lanes, tags of four packets at a time. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_avx2.h"

enum { LANES = CHACHA_AVX2_LANES, PACKETS = 16 };
#include "aead_lanes.inc"
#include "aead_tags_avx2.inc"

/* Block counters and nonces of eight lanes. A segment ends where the next one starts, so each one sets all lanes from its
 * first one on. */
always_inline void last_words(uint32_t last[4][LANES], const struct lanes *l, int set)
{
	const vec lane = vec_add(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), vec_set1(8u * (uint32_t)set));
	vec block = vec_set1(0), lo = block, hi = block;

	for (uint32_t i = 0; i < l->segments; i++) {
		const struct segment *s = &l->segment[i];
		uint64_t nonce = l->packets[s->packet]->counter;
		vec in = _mm256_cmpgt_epi32(vec_set1(s->lane), lane);
		block = _mm256_blendv_epi8(vec_add(lane, vec_set1(s->block - s->lane)), block, in);
		lo = _mm256_blendv_epi8(vec_set1((uint32_t)nonce), lo, in);
		hi = _mm256_blendv_epi8(vec_set1((uint32_t)(nonce >> 32)), hi, in);
	}
	vec_store(&last[0][8 * set], block);
	vec_store(&last[1][8 * set], vec_set1(0));
	vec_store(&last[2][8 * set], lo);
	vec_store(&last[3][8 * set], hi);
}

static void lanes_stream(struct lanes *l)
{
	uint32_t last[4][LANES];

	last_words(last, l, 0);
	if (lanes_used(l) > LANES / 2) {
		last_words(last, l, 1);
		blocks16(l->stream, &l->key, last);
	} else {
		blocks8(l->stream, &l->key, last);
	}
}

always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	xor_bytes(dst, src, stream, n);
}

void aead_seal_run_avx2(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_avx2(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
