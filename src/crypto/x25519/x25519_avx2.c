/* One X25519 multiplication in AVX2, its four coordinates (x2, z2, x3, z3) in four lanes: as x25519_ifma.c, but only one
 * permutation crosses the halves of a register, and the last product, by u in one lane only, has the limbs of its result
 * in the lanes. The final division is scalar. */
#include "crypto/x25519.h"
#if CRYPTO_X86 && CRYPTO_INT128
#include "fe25_avx2.inc"

/* The lanes of both halves: EVEN (0, 0, 2, 2), ODD (1, 1, 3, 3), SWAPPED (1, 0, 3, 2). */
#define EVEN(a) (vec)_mm256_shuffle_epi32((__m256i)(a), 0x44)
#define ODD(a) (vec)_mm256_shuffle_epi32((__m256i)(a), 0xee)
#define SWAPPED(a) (vec)_mm256_shuffle_epi32((__m256i)(a), 0x4e)
#define HALVES_SWAPPED(a) (vec)_mm256_permute4x64_epi64((__m256i)(a), 0x4e)
/* Lanes of b where the mask has two ones, of a elsewhere. */
#define BLEND(a, b, mask) (vec)_mm256_blend_epi32((__m256i)(a), (__m256i)(b), mask)
/* Sets lane 3 of a to the named lane of b. */
#define TO_LANE3(a, b, lane) ((a) = BLEND(a, _mm256_permute4x64_epi64((__m256i)(b), (lane) << 6), LANE3))
enum { LANE0 = 0x03, LANES_2_3 = 0xf0, LANE3 = 0xc0 };

static const vec minus = { 0, UINT64_MAX, 0, UINT64_MAX };

/* 2p + 1 in the lanes where minus is set: x + twice_p_1 + (y ^ minus) is x - y there, and x + y elsewhere. */
always_inline vec twice_p_1(int i)
{
	return all_lanes((i == 0 ? 2 * (MASK26 - 18) : i & 1 ? 2 * MASK25 : 2 * MASK26) + 1) & minus;
}

/* Multiplies lane 3 of s by u. Lane j % 4 of sums[j / 4] is limb j of the product. */
always_inline void mul_lane3(fe *s, const vec by_u[10][3])
{
	vec sums[3];

	UNROLL
	for (int i = 0; i < 10; i++) {
		vec x = (vec)_mm256_permute4x64_epi64((__m256i)s->v[i], 0xff);
		UNROLL
		for (int q = 0; q < 3; q++) {
			vec y = MUL32(x, by_u[i][q]);
			sums[q] = i == 0 ? y : sums[q] + y;
			vector_barrier(sums[q]);
		}
	}
	TO_LANE3(s->v[0], sums[0], 0);
	TO_LANE3(s->v[1], sums[0], 1);
	TO_LANE3(s->v[2], sums[0], 2);
	TO_LANE3(s->v[3], sums[0], 3);
	TO_LANE3(s->v[4], sums[1], 0);
	TO_LANE3(s->v[5], sums[1], 1);
	TO_LANE3(s->v[6], sums[1], 2);
	TO_LANE3(s->v[7], sums[1], 3);
	TO_LANE3(s->v[8], sums[2], 0);
	TO_LANE3(s->v[9], sums[2], 1);
	fe_carry(s, s->v);
}

/* The factors of mul_lane3(): lane j % 4 of by_u[i][j / 4] is what limb i is multiplied by for limb j of the product. */
static void prepare(vec by_u[10][3], const uint64_t u[10])
{
	for (int i = 0; i < 10; i++) {
		by_u[i][2] = all_lanes(0);
		for (int j = 0; j < 10; j++) {
			int k = (j - i + 10) % 10;
			by_u[i][j / 4][j % 4] = u[k] * (i & k & 1 ? 2 : 1) * (i + k < 10 ? 1 : 19);
		}
	}
}

/* A ladder step on s = (x2, z2, x3, z3). swap, all ones or zero in its lower half, exchanges the two points first: this does
 * not change their sum, so only what is doubled is selected. Variables are named as in RFC 7748 section 5. */
always_inline void step(fe *s, const vec by_u[10][3], vec swap)
{
	fe left, right;

	UNROLL
	for (int i = 0; i < 10; i++) {
		vec abcd = EVEN(s->v[i]) + (ODD(s->v[i]) ^ minus) + twice_p_1(i);
		vec cdab = HALVES_SWAPPED(abcd);
		left.v[i] = (vec)_mm256_blendv_epi8((__m256i)abcd, (__m256i)cdab, (__m256i)swap);
		right.v[i] = BLEND(left.v[i], SWAPPED(cdab), LANES_2_3);
	}
	fe_mul(s, &left, &right); /* aa bb cb da */
	UNROLL
	for (int i = 0; i < 10; i++) {
		vec even = EVEN(s->v[i]), odd = ODD(s->v[i]);
		vec add = BLEND(BLEND(even, odd, LANE0), all_lanes(0), LANES_2_3); /* bb aa 0 0 */
		/* aa, e = aa - bb, cb + da, cb - da */
		left.v[i] = even + (BLEND(odd, all_lanes(0), LANE0) ^ minus) + twice_p_1(i);
		right.v[i] = MUL32(left.v[i], ((vec){ 0, 121665, 1, 1 })) + add;
	}
	fe_carry_small(&right, right.v); /* bb, aa + a24 e, and the other two again */
	fe_mul(s, &left, &right);
	mul_lane3(s, by_u); /* z3 = u (cb - da)^2 */
}

/* Five limbs of 51 bits from the lane of ten. */
static void limbs51(uint64_t out[5], const fe *a, int lane)
{
	for (int i = 0; i < 5; i++)
		out[i] = a->v[2 * i][lane] + (a->v[2 * i + 1][lane] << 26);
}

void x25519_mul_avx2(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
	const uint64_t w[4] = { load_le64(u), load_le64(u + 8), load_le64(u + 16), load_le64(u + 24) };
	const uint64_t limbs[10] = { LIMBS25(w) };
	vec by_u[10][3];
	fe s;
	uint64_t num[5], den[5];
	uint8_t e[32];
	uint64_t bit, before = 0;

	memcpy(e, k, sizeof e);
	e[0] &= 248;
	e[31] = (uint8_t)((e[31] & 127) | 64);
	for (int i = 0; i < 10; i++)
		s.v[i] = (vec){ i == 0, 0, limbs[i], i == 0 };
	prepare(by_u, limbs);
	for (int t = 254; t >= 0; t--, before = bit) {
		uint64_t swap;
		bit = e[t >> 3] >> (t & 7) & 1;
		swap = 0 - (bit ^ before);
		value_barrier(swap); /* no branch on it */
		step(&s, by_u, (vec){ swap, swap, 0, 0 });
	}
	/* bit 0 of a clamped scalar is 0: the points are in place */
	limbs51(num, &s, 0);
	limbs51(den, &s, 1);
	x25519_divide(out, num, den);
	mem_wipe(&s, sizeof s);
	mem_wipe(by_u, sizeof by_u);
	mem_wipe(e, sizeof e);
	mem_wipe(num, sizeof num);
	mem_wipe(den, sizeof den);
}
#endif
