/* The stream of a run in sixteen lanes of AVX-512. After aead_lanes.h. */
#ifndef WG_STREAM_AVX512_H
#define WG_STREAM_AVX512_H

#include "chacha20_avx512.h"

static void lanes_stream(struct lanes *l)
{
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512i x[16], last[4];

	UNROLL
	for (int i = 0; i < 4; i++)
		last[i] = _mm512_setzero_si512();
	for (uint32_t i = 0; i < l->segments; i++) {
		const struct segment *s = &l->segment[i];
		__mmask16 m = (__mmask16)(((1u << s->lanes) - 1) << s->lane);
		uint64_t nonce = l->packets[s->packet]->counter;
		last[0] = _mm512_mask_add_epi32(last[0], m, lane,
						_mm512_set1_epi32((int)(s->block - s->lane)));
		last[2] = _mm512_mask_set1_epi32(last[2], m, (int)nonce);
		last[3] = _mm512_mask_set1_epi32(last[3], m, (int)(nonce >> 32));
	}
	blocks512(x, &l->key, last);
	UNROLL
	for (int i = 0; i < 16; i++)
		_mm512_store_si512(l->stream + 64 * i, x[i]);
}

always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	xor512(dst, src, stream, n);
}

#endif
