/* ChaCha20-Poly1305 of runs of packets in SSSE3. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/simd_ssse3.h"
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
