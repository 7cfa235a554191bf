/* MACs of many messages with AVX2. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_avx2.h"

/* Eight BLAKE2s in the lanes of AVX2. */

enum { LANES = 8 };
typedef __m256i vec;

#define add(a, b) _mm256_add_epi32(a, b)
#define xor(a, b) _mm256_xor_si256(a, b)
#define and(a, b) _mm256_and_si256(a, b)
#define ror(a, n) rotl8(a, 32 - (n))
#define set(w) _mm256_set1_epi32((int)(w))
#define load(p) _mm256_loadu_si256((const void *)(p))
#define store(p, a) _mm256_storeu_si256((void *)(p), a)

#include "blake2s_lanes.inc"

always_inline void words(vec m[16], const struct step *s)
{
	uint8_t padded[LANES][BLAKE2S_BLOCK_BYTES] __attribute__((aligned(32)));
	const uint8_t *block[LANES];

	pad_blocks(block, padded, s);
	UNROLL
	for (int i = 0; i < LANES; i++) {
		m[i] = load(block[i]);
		m[8 + i] = load(block[i] + 32);
	}
	transpose8(m);
	transpose8(m + 8);
	mem_wipe(padded, sizeof padded);
}

void blake2s_lanes_avx2(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
