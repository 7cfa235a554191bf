/* One X25519 multiplication in AVX-512 IFMA, its four coordinates (x2, z2, x3, z3) in four lanes. A ladder step is then
 * three multiplications in sequence instead of ten one after the other; compare H. Hisil, B. Egrice, M. Yassi, "Fast
 * 4 way vectorized ladder for the complete set of Montgomery curves", 2020 (IACR ePrint 2020/388). The final division
 * is scalar. */
#include "crypto/x25519.h"
#if CRYPTO_X86 && CRYPTO_INT128
#include <immintrin.h>

typedef uint64_t vec __attribute__((vector_size(32)));
#define LO52(d, a, b) (vec)_mm256_madd52lo_epu64((__m256i)(d), (__m256i)(a), (__m256i)(b))
#define HI52(d, a, b) (vec)_mm256_madd52hi_epu64((__m256i)(d), (__m256i)(a), (__m256i)(b))
#include "fe51_ifma.inc"

/* PERMUTE(a, LANES_OF(l0, l1, l2, l3)): lane i of the result is lane li of a. */
#define LANES_OF(l0, l1, l2, l3) ((l0) | (l1) << 2 | (l2) << 4 | (l3) << 6)
#define PERMUTE(a, lanes) (vec)_mm256_permutex_epi64((__m256i)(a), lanes)
#define BLEND(a, b, mask) (vec)_mm256_mask_mov_epi64((__m256i)(a), mask, (__m256i)(b))

/* a + b in lanes 0 and 2, a - b in lanes 1 and 3. */
always_inline fe sum_and_difference(fe a, fe b)
{
	UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] += BLEND(b.v[i], twice_p(i) - b.v[i], 0xa);
	return fe_carry(a);
}

/* A ladder step on s = (x2, z2, x3, z3). swap, all ones or zero, exchanges the two points first. Variables are named as
 * in RFC 7748 section 5. */
always_inline void step(fe *s, const fe *x1, __mmask8 swap)
{
	fe a, b, abcd, squares, left, right;

	UNROLL
	for (int i = 0; i < 5; i++) {
		vec x = BLEND(s->v[i], PERMUTE(s->v[i], LANES_OF(2, 3, 0, 1)), swap);
		a.v[i] = PERMUTE(x, LANES_OF(0, 0, 2, 2));
		b.v[i] = PERMUTE(x, LANES_OF(1, 1, 3, 3));
	}
	abcd = sum_and_difference(a, b);
	UNROLL
	for (int i = 0; i < 5; i++)
		b.v[i] = PERMUTE(abcd.v[i], LANES_OF(0, 1, 1, 0));
	squares = fe_mul(abcd, b); /* aa bb cb da */
	UNROLL
	for (int i = 0; i < 5; i++) {
		a.v[i] = PERMUTE(squares.v[i], LANES_OF(0, 0, 3, 3));
		b.v[i] = (vec)_mm256_maskz_permutex_epi64(0xe, (__m256i)squares.v[i],
							  LANES_OF(0, 1, 2, 2));
	}
	left = sum_and_difference(a, b); /* aa, e = aa - bb, da + cb, da - cb */
	right = fe_mul_small_add(left, 121665, &a); /* in lane 1: aa + a24 e */
	UNROLL
	for (int i = 0; i < 5; i++) {
		right.v[i] = BLEND(right.v[i], left.v[i], 0xc);
		right.v[i] = BLEND(right.v[i], PERMUTE(squares.v[i], LANES_OF(1, 1, 1, 1)), 0x1);
	}
	*s = fe_mul(fe_mul(left, right), *x1); /* x1 = (1, 1, 1, u): z3 is u (da - cb)^2 */
}

void x25519_mul_ifma(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
	const uint64_t w[4] = { load_le64(u), load_le64(u + 8), load_le64(u + 16), load_le64(u + 24) };
	const uint64_t x[5] = { w[0] & LIMB51, (w[0] >> 51 | w[1] << 13) & LIMB51,
				(w[1] >> 38 | w[2] << 26) & LIMB51,
				(w[2] >> 25 | w[3] << 39) & LIMB51, w[3] >> 12 & LIMB51 };
	uint64_t num[5], den[5];
	fe s, x1;
	uint8_t e[32];
	uint32_t bit, before = 0;

	memcpy(e, k, sizeof e);
	e[0] &= 248;
	e[31] = (uint8_t)((e[31] & 127) | 64);
	for (int i = 0; i < 5; i++) {
		uint64_t one = i == 0;
		s.v[i] = (vec){ one, 0, x[i], one };
		x1.v[i] = (vec){ one, one, one, x[i] };
	}
	for (int t = 254; t >= 0; t--, before = bit) {
		bit = e[t >> 3] >> (t & 7) & 1;
		step(&s, &x1, (__mmask8)((0 - (bit ^ before)) & 0xf));
	}
	/* bit 0 of a clamped scalar is 0: the points are in place */
	for (int i = 0; i < 5; i++) {
		num[i] = s.v[i][0];
		den[i] = s.v[i][1];
	}
	x25519_divide(out, num, den);
	mem_wipe(&s, sizeof s);
	mem_wipe(e, sizeof e);
	mem_wipe(num, sizeof num);
	mem_wipe(den, sizeof den);
}
#endif
