/* X25519 (RFC 7748): public keys, shared secrets, and batches of multiplications. */
#include "crypto/x25519.h"
#include "crypto/dispatch.h"

/* What the frames of every implementation and of the arithmetic that it calls take, if the compiler optimises. */
enum { STACK_BYTES = 16384 };

/* Overwrites what the implementation left on the stack: it wipes its variables, but not registers that the compiler
 * spilled, nor what multiplications of field elements stored. */
static __attribute__((noinline)) void wipe_stack(void)
{
	uint8_t below[STACK_BYTES];

	mem_wipe(below, sizeof below);
}

void x25519_clamp(struct wg_private *key)
{
	key->b[0] &= 248;
	key->b[31] = (uint8_t)((key->b[31] & 127) | 64);
}

void x25519_public(struct wg_public *out, const struct wg_private *key)
{
	static const uint8_t nine[32] = { 9 };

	crypto_impls()->x25519->mul(out->b, key->b, nine);
	wipe_stack();
}

bool x25519(struct wg_shared *out, const struct wg_private *key, const struct wg_public *u)
{
	bool ok;

	crypto_impls()->x25519->mul(out->b, key->b, u->b);
	ok = !mem_is_zero_ct(out->b, sizeof out->b);
	wipe_stack();
	return ok;
}

void x25519_batch(struct x25519_job *jobs, size_t n)
{
	const struct x25519_batch_impl *impl = crypto_impls()->x25519_batch;

	while (impl->mul && n > 0 && n >= impl->lanes_min) {
		size_t now = n < impl->lanes ? n : impl->lanes;
		impl->mul(jobs, now);
		for (size_t i = 0; i < now; i++)
			jobs[i].ok = !mem_is_zero_ct(jobs[i].out.b, sizeof jobs[i].out.b);
		wipe_stack();
		jobs += now;
		n -= now;
	}
	for (; n > 0; n--, jobs++)
		jobs->ok = x25519(&jobs->out, &jobs->key, &jobs->u);
}
