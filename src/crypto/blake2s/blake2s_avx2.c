/* BLAKE2s of eight messages at a time in AVX2. */
#include "crypto/blake2s.h"
#if CRYPTO_X86
#include "crypto/simd_avx2.h"
#include "blake2s_lanes.inc"

always_inline void load_message(vec m[16], const struct step *s)
{
	uint8_t padded[VEC_LANES][BLAKE2S_BLOCK_BYTES] __attribute__((aligned(32)));
	const uint8_t *block[VEC_LANES];

	pad_blocks(block, padded, s);
	UNROLL
	for (int i = 0; i < VEC_LANES; i++) {
		m[i] = vec_load(block[i]);
		m[8 + i] = vec_load(block[i] + 32);
	}
	vec_transpose(m);
	vec_transpose(m + 8);
	mem_wipe(padded, sizeof padded);
}

void blake2s_lanes_avx2(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
