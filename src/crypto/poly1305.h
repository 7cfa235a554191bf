/* Internal interface of Poly1305 (RFC 8439 section 2.5; D. J. Bernstein, "The Poly1305-AES message-authentication
 * code", 2005). */
#ifndef WG_CRYPTO_POLY1305_H
#define WG_CRYPTO_POLY1305_H

#include "impl.h"

enum { POLY1305_BLOCK_BYTES = 16, POLY1305_KEY_BYTES = 32 };

struct poly1305 {
	uint64_t h[3]; /* the accumulator, partly reduced: h[2] < 8 between calls */
	uint64_t r[2]; /* the multiplier, clamped */
	uint64_t s[2]; /* added at the end */
};
void poly1305_init(struct poly1305 *p, const uint8_t key[POLY1305_KEY_BYTES]);
/* The last 0-15 bytes of a message: a one bit follows them, then zeros up to a block. The AEAD pads with zeros only
 * and does not call this. */
void poly1305_last(struct poly1305 *p, const uint8_t *m, size_t n);
void poly1305_tag(uint8_t tag[16], const struct poly1305 *p);

/* Adds whole blocks; n, in bytes, is a multiple of 16. */
typedef void poly1305_fn(struct poly1305 *p, const uint8_t *m, size_t n);
struct poly1305_impl {
	const char *name;
	uint32_t needs; /* enum cpu_feature */
	poly1305_fn *blocks;
};
poly1305_fn poly1305_blocks_portable, poly1305_blocks_x64, poly1305_blocks_avx2, poly1305_blocks_ifma;

/* The fastest for a few blocks. MemorySanitizer, which the constant-time suite uses, does not see through assembly. */
#if CRYPTO_X86 && !defined(CRYPTO_MSAN)
#define poly1305_blocks_short poly1305_blocks_x64
#else
#define poly1305_blocks_short poly1305_blocks_portable
#endif

#endif
