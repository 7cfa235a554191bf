/* Runs of packets with NEON. */
#include "crypto/impl.h"
#if CRYPTO_NEON
#include "crypto/x4_neon.h"
#include "crypto/chacha20/chacha20_x4.inc"
#include "aead_x4.inc"

void aead_seal_run_neon(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_neon(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
