/* ChaCha20 and the beginnings of XChaCha20 streams with AVX2. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "chacha20_avx2.h"

void chacha20_xor_avx2(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	uint8_t stream[LANES_MOST * CHACHA_BLOCK_BYTES] __attribute__((aligned(32)));
	uint32_t last[4][LANES_MOST];

	if (n <= CHACHA_BLOCK_BYTES) { /* one block alone is no faster in lanes */
		chacha20_xor_portable(dst, src, n, s);
		return;
	}
	for (uint32_t i = 0; i < LANES_MOST; i++) {
		last[0][i] = s->w[12] + i;
		for (int k = 1; k < 4; k++)
			last[k][i] = s->w[12 + k];
	}
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		if (now > sizeof stream / 2)
			blocks8_twice(stream, s, last);
		else
			blocks8(stream, s, last);
		xor_bytes8(dst, src, stream, now);
		for (int i = 0; i < LANES_MOST; i++)
			last[0][i] += LANES_MOST;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}

enum { LANES = 8 };
typedef __m256i vec;

#define add(a, b) _mm256_add_epi32(a, b)
#define xor(a, b) _mm256_xor_si256(a, b)
#define rotl(a, n) rotl8(a, n)
#define set(w) _mm256_set1_epi32((int)(w))
#define load(p) _mm256_load_si256((const void *)(p))
#include "xchacha20_lanes.inc"

always_inline void store_blocks(uint8_t (*stream)[XCHACHA_START_BYTES], size_t at, vec x[16])
{
	UNROLL
	for (int half = 0; half < 2; half++) {
		transpose8(&x[8 * half]);
		UNROLL
		for (int i = 0; i < LANES; i++)
			_mm256_storeu_si256((void *)(stream[i] + at + 32 * half), x[8 * half + i]);
	}
}

void xchacha20_starts_avx2(uint8_t (*stream)[XCHACHA_START_BYTES], const uint8_t *const *nonces,
			   const struct chacha20 *key)
{
	start_lanes(stream, nonces, key);
}
#endif
