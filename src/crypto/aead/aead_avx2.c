/* Runs of packets with AVX2. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_avx2.h"

enum { LANES = LANES_MOST, PACKETS = 8 };
#include "aead_lanes.inc"
#include "tags_avx2.inc"

static void lanes_stream(struct lanes *l)
{
	uint32_t last[4][LANES] = { { 0 } };

	lanes_last(l, last[0], last[2], last[3]);
	if (lanes_used(l) > LANES / 2)
		blocks8_twice(l->stream, &l->key, last);
	else
		blocks8(l->stream, &l->key, last);
}

always_inline void lanes_xor(uint8_t *dst, const uint8_t *src, const uint8_t *stream, size_t n)
{
	xor_bytes8(dst, src, stream, n);
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
