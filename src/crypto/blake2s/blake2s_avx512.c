/* MACs of many messages with AVX-512. */
#include "crypto/impl.h"
#if CRYPTO_X86
#include "crypto/chacha20/chacha20_avx512.h"

/* Sixteen BLAKE2s in the lanes of AVX-512. */

enum { LANES = 16 };
typedef __m512i vec;

#define add(a, b) _mm512_add_epi32(a, b)
#define xor(a, b) _mm512_xor_si512(a, b)
#define and(a, b) _mm512_and_si512(a, b)
#define ror(a, n) _mm512_ror_epi32(a, n)
#define set(w) _mm512_set1_epi32((int)(w))
#define load(p) _mm512_loadu_si512(p)
#define store(p, a) _mm512_storeu_si512(p, a)

#include "blake2s_lanes.inc"

always_inline void words(vec m[16], const struct step *s)
{
	UNROLL
	for (int i = 0; i < LANES; i++)
		m[i] = _mm512_maskz_loadu_epi8((__mmask64)_bzhi_u64(UINT64_MAX, s->bytes[i]), s->block[i]);
	transpose512(m);
}

void blake2s_lanes_avx512(struct blake2s_lane *lanes, size_t n)
{
	run_lanes(lanes, n);
}
#endif
