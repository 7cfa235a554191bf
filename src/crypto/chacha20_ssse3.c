#include "impl.h"
#if CRYPTO_X86
#include "x4_ssse3.h"
#include "chacha20_x4.inc"

void chacha20_xor_ssse3(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	chacha20_xor_x4(dst, src, n, s);
}
#endif
