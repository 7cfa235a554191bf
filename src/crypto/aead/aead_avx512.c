/* ChaCha20-Poly1305 of runs of packets in AVX-512 without IFMA: key stream in 32 lanes, tags as with AVX2. */
#include "crypto/aead.h"
#if CRYPTO_X86
enum { LANES = 32, PACKETS = 16 };
#include "aead_lanes.inc"
#include "aead_stream_avx512.inc"
#include "aead_tags_avx2.inc"

void aead_seal_run_avx512(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_avx512(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
