#include "impl.h"
#if CRYPTO_NEON
#include "x4_neon.h"
#include "chacha20_x4.inc"

void chacha20_xor_neon(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	chacha20_xor_x4(dst, src, n, s);
}
#endif
