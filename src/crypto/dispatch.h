/* The implementations of every primitive, and which of them are in use. */
#ifndef WG_CRYPTO_DISPATCH_H
#define WG_CRYPTO_DISPATCH_H

#include "crypto.h"

struct crypto_impls {
	const struct chacha20_impl *chacha20;
	const struct xchacha20_impl *xchacha20;
	const struct poly1305_impl *poly1305;
	const struct aead_impl *aead;
	const struct blake2s_impl *blake2s;
	const struct blake2s_lanes_impl *blake2s_lanes;
	const struct x25519_impl *x25519;
	const struct x25519_batch_impl *x25519_batch;
};

/* All tables, for the choice and for tests. Each is in order of preference and ends with the implementation that
 * needs no CPU feature. */
extern const struct crypto_impls crypto_tables;

/* The first implementation of each table that crypto_features() allows. Chosen at the first call, which must come
 * before the process starts threads. */
const struct crypto_impls *crypto_impls(void);

/* The CPU features that implementations may use: those of the machine, within crypto_restrict(). */
uint32_t crypto_features(void);

#endif
