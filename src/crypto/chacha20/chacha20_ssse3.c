/* ChaCha20 and XChaCha20 prefixes in SSSE3, four blocks at a time. */
#include "crypto/chacha20.h"
#if CRYPTO_X86
#include "chacha20_ssse3.h"
#define CHACHA_ROUNDS4 twenty_rounds_ssse3
#define CHACHA_WIPE4 wipe_state_ssse3
#include "chacha20_x4.inc"
#include "xchacha20_x4.inc"

void chacha20_xor_ssse3(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	chacha20_xor_x4(dst, src, n, s);
}

void xchacha20_prefix_ssse3(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], const uint8_t *const *nonces,
			     const struct chacha20 *key)
{
	prefix_lanes(stream, nonces, key);
}
#endif
