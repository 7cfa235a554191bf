/* ChaCha20 and the beginnings of XChaCha20 streams with NEON. */
#include "crypto/impl.h"
#if CRYPTO_NEON
#include "crypto/x4_neon.h"
#include "chacha20_x4.inc"
#include "xchacha20_x4.inc"

void chacha20_xor_neon(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	chacha20_xor_x4(dst, src, n, s);
}

void xchacha20_starts_neon(uint8_t (*stream)[XCHACHA_START_BYTES], const uint8_t *const *nonces,
			     const struct chacha20 *key)
{
	start_lanes(stream, nonces, key);
}
#endif
