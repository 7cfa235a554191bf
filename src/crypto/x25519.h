/* Internal interface of X25519 (RFC 7748 section 5; D. J. Bernstein, "Curve25519: new Diffie-Hellman speed
 * records", 2006). */
#ifndef WG_CRYPTO_X25519_H
#define WG_CRYPTO_X25519_H

#include "impl.h"

/* out = k · u; clamps k and ignores bit 255 of u. */
typedef void x25519_fn(uint8_t out[32], const uint8_t k[32], const uint8_t u[32]);
struct x25519_impl {
	const char *name;
	uint32_t needs; /* enum cpu_feature */
	x25519_fn *mul;
};
x25519_fn x25519_mul_portable, x25519_mul_avx2, x25519_mul_ifma;
#if CRYPTO_INT128
/* out = x / z, limbs of 51 bits, each below 2^51 + 2^44: ends a ladder that was computed in lanes. */
void x25519_divide(uint8_t out[32], const uint64_t x[5], const uint64_t z[5]);
#endif

/* Computes `out` of 1 <= n <= lanes jobs; the caller sets `ok`. */
typedef void x25519_batch_fn(struct x25519_job *jobs, size_t n);
struct x25519_batch_impl {
	const char *name;
	uint32_t needs;
	x25519_batch_fn *mul; /* null: one multiplication after the other */
	size_t lanes;         /* jobs per call */
	size_t lanes_min;     /* with fewer jobs single multiplications are faster */
};
x25519_batch_fn x25519_batch_ifma, x25519_batch_avx2;

#endif
