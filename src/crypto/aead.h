/* Internal interface of ChaCha20-Poly1305 (RFC 8439 section 2.8): single packets from the two primitives, and runs
 * of packets. */
#ifndef WG_CRYPTO_AEAD_H
#define WG_CRYPTO_AEAD_H

#include "chacha20.h"
#include "poly1305.h"

/* Implementations of aead_seal_run() and aead_open_run(). */
typedef void aead_run_fn(struct aead_packet *packets, size_t n, const struct wg_sym *key);
struct aead_impl {
	const char *name;
	uint32_t needs; /* enum cpu_feature */
	aead_run_fn *seal_run, *open_run;
};
aead_run_fn aead_seal_run_portable, aead_open_run_portable, aead_seal_run_ssse3, aead_open_run_ssse3,
	aead_seal_run_avx2, aead_open_run_avx2, aead_seal_run_avx512, aead_open_run_avx512,
	aead_seal_run_ifma, aead_open_run_ifma, aead_seal_run_neon, aead_open_run_neon;

/* One packet with any pair of implementations. s: key and nonce, at block 0; wiped. */
struct aead_primitives {
	chacha20_fn *xor;
	poly1305_fn *blocks;
};
void aead_seal_with(const struct aead_primitives *with, uint8_t *dst, const uint8_t *src, size_t n,
		    const void *ad, size_t ad_n, struct chacha20 *s);
must_check bool aead_open_with(const struct aead_primitives *with, uint8_t *dst, const uint8_t *src,
			       size_t n, const void *ad, size_t ad_n, struct chacha20 *s);

#endif
