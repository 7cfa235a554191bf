/* ChaCha20-Poly1305 of runs of packets in SSSE3; tags one after the other in integer registers. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_ssse3.h"
#define CHACHA_ROUNDS4 twenty_rounds_ssse3
#define CHACHA_WIPE4 wipe_state_ssse3
enum { PACKETS = 16 };
#include "aead_x4.inc"

static void lanes_tags(struct lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		lanes_tag_alone(l, i, poly1305_blocks_x64);
}

#include "aead_stitched.inc"

always_inline void lanes_stream_mac(struct lanes *l, struct poly1305 *p, const uint8_t *m, uint32_t chunks)
{
	uint32_t last[4][LANES];
	struct rounds_mac t;

	last_words(last, l);
	load_states4(t.x, &l->key, last);
	twenty_rounds_mac_ssse3(&t, p, m, chunks);
	store_stream4(l->stream, t.x, &l->key, last);
	wipe_state_ssse3(t.x); /* the barrier covers all of t */
}

void aead_seal_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_stitched);
}

void aead_open_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_stitched);
}
#endif
