/* MACs of many messages with SSSE3. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "crypto/x4_ssse3.h"
#include "blake2s_x4.inc"

void blake2s_lanes_ssse3(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
