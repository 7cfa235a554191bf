/* BLAKE2s of four messages at a time in SSSE3. */
#include "crypto/blake2s.h"
#if CRYPTO_X86
#include "crypto/simd_ssse3.h"
#include "blake2s_x4.inc"

void blake2s_lanes_ssse3(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
