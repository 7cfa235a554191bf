/* ChaCha20 and the beginnings of XChaCha20 streams with AVX-512. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "chacha20_avx512.h"

void chacha20_xor_avx512(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	uint8_t stream[2048] __attribute__((aligned(64)));
	uint32_t counter = s->w[12];
	__m512i last[2][4];

	if (n <= CHACHA_BLOCK_BYTES) { /* one block alone is no faster in lanes */
		chacha20_xor_portable(dst, src, n, s);
		return;
	}
	UNROLL
	for (int i = 1; i < 4; i++)
		last[0][i] = last[1][i] = _mm512_set1_epi32((int)s->w[12 + i]);
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		last[0][0] = _mm512_add_epi32(_mm512_set1_epi32((int)counter), lane);
		last[1][0] = _mm512_add_epi32(last[0][0], _mm512_set1_epi32(16));
		if (now > 1024)
			blocks512_twice(stream, s, last);
		else
			blocks512(stream, s, last[0]);
		xor512(dst, src, stream, now);
		counter += 32;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}

enum { LANES = 16 };
typedef __m512i vec;

#define add(a, b) _mm512_add_epi32(a, b)
#define xor(a, b) _mm512_xor_si512(a, b)
#define rotl(a, n) _mm512_rol_epi32(a, n)
#define set(w) _mm512_set1_epi32((int)(w))
#define load(p) _mm512_load_si512(p)
#include "xchacha20_lanes.inc"

always_inline void store_blocks(uint8_t (*stream)[XCHACHA_START_BYTES], size_t at, vec x[16])
{
	transpose512(x);
	UNROLL
	for (int i = 0; i < LANES; i++)
		_mm512_storeu_si512(stream[i] + at, x[i]);
}

void xchacha20_starts_avx512(uint8_t (*stream)[XCHACHA_START_BYTES], const uint8_t *const *nonces,
			     const struct chacha20 *key)
{
	start_lanes(stream, nonces, key);
}
#endif
