/* ChaCha20 and XChaCha20 prefixes in AVX2, eight or sixteen blocks at a time. */
#include "crypto/chacha20.h"
#if CRYPTO_X86
#include "chacha20_avx2.h"

void chacha20_xor_avx2(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	uint8_t stream[CHACHA_AVX2_LANES * CHACHA_BLOCK_BYTES] __attribute__((aligned(32)));
	uint32_t last[4][CHACHA_AVX2_LANES];

	if (n <= CHACHA_BLOCK_BYTES) { /* vectors do not speed up a single block */
		chacha20_xor_portable(dst, src, n, s);
		return;
	}
	for (uint32_t i = 0; i < CHACHA_AVX2_LANES; i++) {
		last[0][i] = s->w[12] + i;
		for (int k = 1; k < 4; k++)
			last[k][i] = s->w[12 + k];
	}
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		if (now > sizeof stream / 2)
			blocks16(stream, s, last);
		else
			blocks8(stream, s, last);
		xor_bytes(dst, src, stream, now);
		for (int i = 0; i < CHACHA_AVX2_LANES; i++)
			last[0][i] += CHACHA_AVX2_LANES;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}

#include "xchacha20_lanes.inc"

always_inline void store_blocks(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], size_t at, vec x[16])
{
	UNROLL
	for (int half = 0; half < 2; half++) {
		vec_transpose(&x[8 * half]);
		UNROLL
		for (int i = 0; i < VEC_LANES; i++)
			vec_store(stream[i] + at + 32 * half, x[8 * half + i]);
	}
}

void xchacha20_prefix_avx2(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], const uint8_t *const *nonces,
			   const struct chacha20 *key)
{
	prefix_lanes(stream, nonces, key);
}
#endif
