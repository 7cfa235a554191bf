/* ChaCha20 and XChaCha20 prefixes in AVX-512, 16 or 32 blocks at a time. */
#include "crypto/chacha20.h"
#if CRYPTO_X86
#include "chacha20_avx512.h"

void chacha20_xor_avx512(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	const vec lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	uint8_t stream[2048] __attribute__((aligned(64)));
	uint32_t counter = s->w[12];
	vec last[2][4];

	if (n <= CHACHA_BLOCK_BYTES) { /* vectors do not speed up a single block */
		chacha20_xor_portable(dst, src, n, s);
		return;
	}
	UNROLL
	for (int i = 1; i < 4; i++)
		last[0][i] = last[1][i] = vec_set1(s->w[12 + i]);
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		last[0][0] = vec_add(vec_set1(counter), lane);
		last[1][0] = vec_add(last[0][0], vec_set1(16));
		if (now > 1024)
			blocks32(stream, s, last);
		else
			blocks16(stream, s, last[0]);
		xor_bytes(dst, src, stream, now);
		counter += 32;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}

#include "xchacha20_lanes.inc"

always_inline void store_blocks(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], size_t at, vec x[16])
{
	vec_transpose(x);
	UNROLL
	for (int i = 0; i < VEC_LANES; i++)
		vec_store(stream[i] + at, x[i]);
}

void xchacha20_prefix_avx512(uint8_t (*stream)[XCHACHA_PREFIX_BYTES], const uint8_t *const *nonces,
			     const struct chacha20 *key)
{
	prefix_lanes(stream, nonces, key);
}
#endif
