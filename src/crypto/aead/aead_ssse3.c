/* Runs of packets with SSSE3. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "crypto/x4_ssse3.h"
#include "crypto/chacha20/chacha20_x4.inc"
#include "aead_x4.inc"

void aead_seal_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_ssse3(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
