/* ChaCha20-Poly1305 of runs of packets in AVX2: key stream in sixteen lanes, tags of four packets at a time. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_avx2.h"

enum { LANES = CHACHA_AVX2_LANES, PACKETS = 8 };
#include "aead_lanes.inc"
#include "aead_tags_avx2.inc"

static void lanes_stream(struct lanes *l)
{
	uint32_t last[4][LANES] = { { 0 } };

	lanes_last(l, last[0], last[2], last[3]);
	if (lanes_used(l) > LANES / 2)
		blocks16(l->stream, &l->key, last);
	else
		blocks8(l->stream, &l->key, last);
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
