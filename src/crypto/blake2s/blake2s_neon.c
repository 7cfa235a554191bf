/* BLAKE2s of four messages at a time in NEON. */
#include "crypto/blake2s.h"
#if CRYPTO_NEON
#include "crypto/simd_neon.h"
#include "blake2s_x4.inc"

void blake2s_lanes_neon(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
