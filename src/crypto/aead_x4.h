/* A run in four lanes of 128-bit registers: the stream; tags packet by packet. After chacha20_x4.h. */
#ifndef WG_AEAD_X4_H
#define WG_AEAD_X4_H

enum { LANES = 4, PACKETS = 4 };
#include "aead_lanes.h"

static void lanes_stream(struct lanes *l)
{
	uint32_t last[4][4] = { { 0 } };

	lanes_last(l, last[0], last[2], last[3]);
	blocks4(l->stream, &l->key, last);
}

always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	xor_bytes4(dst, src, stream, n);
}

static void lanes_tags(struct lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		lanes_tag_alone(l, i, poly1305_blocks_portable);
}

#endif
