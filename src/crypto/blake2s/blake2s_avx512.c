/* BLAKE2s of sixteen messages at a time in AVX-512; masked loads pad partial blocks. */
#include "crypto/blake2s.h"
#if CRYPTO_X86
#include "crypto/simd_avx512.h"
#include "blake2s_lanes.inc"

always_inline void load_message(vec m[16], const struct step *s)
{
	UNROLL
	for (int i = 0; i < VEC_LANES; i++)
		m[i] = _mm512_maskz_loadu_epi8((__mmask64)_bzhi_u64(UINT64_MAX, s->bytes[i]), s->block[i]);
	vec_transpose(m);
}

void blake2s_lanes_avx512(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
