#include "impl.h"
#if CRYPTO_X86
#include "chacha20_avx2.h"

void chacha20_xor_avx2(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s)
{
	uint8_t stream[8 * CHACHA_BLOCK_BYTES] __attribute__((aligned(32)));
	uint32_t last[4][8];

	for (uint32_t i = 0; i < 8; i++) {
		last[0][i] = s->w[12] + i;
		for (int k = 1; k < 4; k++)
			last[k][i] = s->w[12 + k];
	}
	while (n > 0) {
		size_t now = n < sizeof stream ? n : sizeof stream;
		blocks8(stream, s, last);
		xor_bytes8(dst, src, stream, now);
		for (int i = 0; i < 8; i++)
			last[0][i] += 8;
		dst += now;
		src += now;
		n -= now;
	}
	mem_wipe(stream, sizeof stream);
}
#endif
