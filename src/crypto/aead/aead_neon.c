/* ChaCha20-Poly1305 of runs of packets in NEON. */
#include "crypto/aead.h"
#if CRYPTO_NEON
#include "crypto/simd_neon.h"
enum { PACKETS = 4 };
#include "aead_x4.inc"
#include "aead_tags_neon.inc"

void aead_seal_run_neon(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_neon(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
