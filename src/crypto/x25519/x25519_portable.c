/* X25519 (RFC 7748 section 5) in portable C, over the field representation that suits the width of products. */
#include "crypto/x25519.h"
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
