/* X25519 (RFC 7748): the portable row, and many at once. */
#include "crypto/impl.h"
#if CRYPTO_INT128
#include "fe51.h"
#else
#include "fe25.h"
#endif
#include "x25519_single.inc"

void x25519_mul_portable(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
	ladder(out, k, u);
}

#if CRYPTO_INT128
void x25519_divide(uint8_t out[32], const uint64_t x[5], const uint64_t z[5])
{
	fe num, den;

	memcpy(num.v, x, sizeof num.v);
	memcpy(den.v, z, sizeof den.v);
	fe_store(out, fe_mul(num, fe_invert(den)));
}
#endif

void x25519_clamp(struct wg_private *key)
{
	key->b[0] &= 248;
	key->b[31] = (uint8_t)((key->b[31] & 127) | 64);
}

void x25519_public(struct wg_public *out, const struct wg_private *key)
{
	static const uint8_t nine[32] = { 9 };

	crypto_impls()->x25519->mul(out->b, key->b, nine);
}

bool x25519(struct wg_shared *out, const struct wg_private *key, const struct wg_public *u)
{
	crypto_impls()->x25519->mul(out->b, key->b, u->b);
	return !mem_is_zero_ct(out->b, sizeof out->b);
}

void x25519_batch(struct x25519_job *jobs, size_t n)
{
	const struct x25519_batch_impl *row = crypto_impls()->x25519_batch;

	while (row->mul && n > 0 && n >= row->worth) {
		size_t now = n < row->lanes ? n : row->lanes;
		row->mul(jobs, now);
		for (size_t i = 0; i < now; i++)
			jobs[i].ok = !mem_is_zero_ct(jobs[i].out.b, sizeof jobs[i].out.b);
		jobs += now;
		n -= now;
	}
	for (; n > 0; n--, jobs++)
		jobs->ok = x25519(&jobs->out, &jobs->key, &jobs->u);
}
