/* MACs of many messages with NEON. */
#include "crypto/impl.h"
#if CRYPTO_NEON
#include "crypto/x4_neon.h"
#include "blake2s_x4.inc"

void blake2s_lanes_neon(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
