/* Internal interface of ChaCha20 (RFC 8439 section 2.3), HChaCha20 and XChaCha20 (draft-irtf-cfrg-xchacha-03). */
#ifndef WG_CRYPTO_CHACHA20_H
#define WG_CRYPTO_CHACHA20_H

#include "impl.h"

enum { CHACHA_BLOCK_BYTES = 64 };

/* The initial state: constants (words 0-3), key (4-11), block counter (12), nonce (13-15). */
struct chacha20 {
	uint32_t w[16];
};
_Static_assert(sizeof(struct chacha20) == CHACHA_BLOCK_BYTES, "a state is a block");

/* The nonce of a transport message (whitepaper section 5.4.6): four zero bytes, then the counter in little endian.
 * The block counter starts at 0. */
void chacha20_init(struct chacha20 *s, const struct wg_sym *key, uint64_t nonce);
/* The subkey that XChaCha20 derives from the first 16 of its 24 nonce bytes. */
void hchacha20(struct wg_sym *out, const struct wg_sym *key, const uint8_t nonce[16]);

/* dst = src ^ key stream, n bytes, starting with block s->w[12]; the block counter wraps at 2^32. dst may be src and
 * must not overlap it in any other way. */
typedef void chacha20_fn(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s);
struct chacha20_impl {
	const char *name;
	uint32_t needs; /* enum cpu_feature */
	chacha20_fn *xor;
};
chacha20_fn chacha20_xor_portable, chacha20_xor_ssse3, chacha20_xor_avx2, chacha20_xor_avx512,
	chacha20_xor_neon;

/* The first two blocks of the XChaCha20 key stream under each of `lanes` nonces of 24 bytes: block 0 holds the
 * Poly1305 key, block 1 encrypts up to 64 bytes. key: from chacha20_init() with any nonce. */
enum { XCHACHA_PREFIX_BYTES = 2 * CHACHA_BLOCK_BYTES, XCHACHA_LANES_MAX = 16 };
typedef void xchacha20_prefix_fn(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], const uint8_t *const *nonces,
				 const struct chacha20 *key);
struct xchacha20_impl {
	const char *name;
	uint32_t needs;
	xchacha20_prefix_fn *prefix;
	size_t lanes;     /* nonces per call */
	size_t lanes_min; /* with fewer nonces the portable implementation is faster */
};
xchacha20_prefix_fn xchacha20_prefix_portable, xchacha20_prefix_ssse3, xchacha20_prefix_avx2,
	xchacha20_prefix_avx512, xchacha20_prefix_neon;

#endif
