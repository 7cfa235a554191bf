/* ChaCha20-Poly1305 of runs of packets in SSSE3; tags one after the other in integer registers. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_ssse3.h"
#include "aead_x4.inc"

static void lanes_tags(struct lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		lanes_tag_alone(l, i, poly1305_blocks_x64); /* 128-bit registers are not faster */
}

void aead_seal_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
