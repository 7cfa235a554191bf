/* The stream of a run in 32 lanes, two times 16 of AVX-512. After aead_lanes.h. */
#ifndef WG_STREAM_AVX512_H
#define WG_STREAM_AVX512_H

#include "chacha20_avx512.h"

static void lanes_stream(struct lanes *l)
{
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512i last[2][4];
	uint32_t in_use = 0;

	UNROLL
	for (int i = 0; i < 8; i++)
		last[i / 4][i % 4] = _mm512_setzero_si512();
	for (uint32_t i = 0; i < l->segments; i++) {
		const struct segment *s = &l->segment[i];
		uint64_t m = (((uint64_t)1 << s->lanes) - 1) << s->lane;
		uint64_t nonce = l->packets[s->packet]->counter;
		UNROLL
		for (int k = 0; k < 2; k++) {
			__mmask16 half = (__mmask16)(m >> 16 * k);
			int first = (int)(s->block - s->lane) + 16 * k;
			last[k][0] = _mm512_mask_add_epi32(last[k][0], half, lane,
							   _mm512_set1_epi32(first));
			last[k][2] = _mm512_mask_set1_epi32(last[k][2], half, (int)nonce);
			last[k][3] = _mm512_mask_set1_epi32(last[k][3], half, (int)(nonce >> 32));
		}
		in_use = s->lane + s->lanes;
	}
	if (in_use > 16)
		blocks512_twice(l->stream, &l->key, last);
	else
		blocks512(l->stream, &l->key, last[0]);
}

always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	xor512(dst, src, stream, n);
}

#endif
