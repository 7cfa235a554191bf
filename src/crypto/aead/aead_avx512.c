/* Runs of packets with AVX-512. */
#include "crypto/impl.h"
#if CRYPTO_X86
enum { LANES = 32, PACKETS = 16 };
#include "aead_lanes.inc"
#include "stream_avx512.inc"
#include "tags_avx2.inc"

/* For CPUs with AVX-512 but no IFMA: the stream in sixteen lanes, the tags as AVX2 makes them. */
void aead_seal_run_avx512(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_avx512(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
