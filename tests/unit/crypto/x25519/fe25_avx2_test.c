/* The field in lanes of AVX2, with limbs at the bounds that fe25_avx2.inc states, against plain multiplication of 256-bit
 * numbers. Each lane computes with different numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/x25519.h"
#include "../../../lib/guard.h"
#if CRYPTO_X86
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi2")
#endif
#include "crypto/x25519/fe25_avx2_invert.inc"

enum {
	LANES = 4,
	WORDS = 10, /* of 32 bits: numbers up to 2^320 */
	CARRIED = (1 << 26) + (1 << 17),
	SUM = 2 * CARRIED,
	DIFFERENCE = (1 << 27) - 2 + CARRIED,
};

typedef struct { uint32_t w[2 * WORDS]; } number;

static void number_add(number *n, uint64_t v, unsigned int bit)
{
	uint64_t c = (v << bit % 32) & UINT32_MAX, above = v >> (32 - bit % 32);

	for (unsigned int i = bit / 32; i < 2 * WORDS; i++) {
		c += n->w[i];
		n->w[i] = (uint32_t)c;
		c = (c >> 32) + (above & UINT32_MAX);
		above >>= 32;
	}
}

/* 2^255 = 19, until the number is below p. */
static void number_reduce(number *n)
{
	for (int round = 0; round < 4; round++) {
		number high = { 0 };
		for (int i = 7; i < 2 * WORDS; i++)
			high.w[i - 7] = n->w[i] >> 31 | (i + 1 < 2 * WORDS ? n->w[i + 1] << 1 : 0);
		memset(n->w + 8, 0, sizeof n->w - 32);
		n->w[7] &= INT32_MAX;
		for (unsigned int i = 0; i < 2 * WORDS; i++)
			number_add(n, 19 * (uint64_t)high.w[i], 32 * i);
	}
	number_add(n, 19, 0); /* reaches 2^255 from p on */
	if (n->w[7] >> 31)
		n->w[7] &= INT32_MAX;
	else
		for (uint64_t i = 0, borrow = 19; i < 8; i++) {
			uint64_t d = (uint64_t)n->w[i] - borrow;
			n->w[i] = (uint32_t)d;
			borrow = d >> 63;
		}
}

static number number_of(const fe *a, int lane)
{
	static const unsigned int at[10] = { 0, 26, 51, 77, 102, 128, 153, 179, 204, 230 };
	number n = { 0 };

	for (int i = 0; i < 10; i++)
		number_add(&n, a->v[i][lane], at[i]);
	return n;
}

static number product(const number *a, const number *b)
{
	number n = { 0 };

	for (unsigned int i = 0; i < WORDS; i++)
		for (unsigned int j = 0; j < WORDS; j++)
			number_add(&n, (uint64_t)a->w[i] * b->w[j], 32 * (i + j));
	return n;
}

static void check_equal(const fe *result, int lane, number expected)
{
	number is = number_of(result, lane);

	number_reduce(&is);
	number_reduce(&expected);
	assert_memory_equal(is.w, expected.w, sizeof is.w);
}

static void check_at_most(const fe *a, uint32_t bound)
{
	for (int i = 0; i < 10; i++)
		for (int lane = 0; lane < LANES; lane++)
			assert_in_range(a->v[i][lane], 0, bound >> (i & 1));
}

/* Each limb at most `most`, or half of it: all at the bound, or zero, the bound or anything. */
static void fill(fe *a, struct prng *c, uint32_t most, int kind)
{
	for (int i = 0; i < 10; i++) {
		uint32_t bound = most >> (i & 1);
		for (int lane = 0; lane < LANES; lane++) {
			uint32_t choice = kind == 0 ? 0 : prng_below(c, 3);
			a->v[i][lane] = choice == 0 ? bound : choice == 1 ? 0 : prng_below(c, bound + 1);
		}
	}
}

static void products(void **state)
{
	static const uint32_t bounds[] = { CARRIED, SUM, DIFFERENCE };
	struct prng c = { 41 };
	fe a, b, ab, aa, small;

	(void)state;
	if (!(cpu_features() & CPU_AVX2))
		skip();
	for (int i = 0; i < 9 * 200; i++) {
		fill(&a, &c, bounds[i % 3], i / 9);
		fill(&b, &c, bounds[i / 3 % 3], i / 9);
		fe_mul(&ab, &a, &b);
		fe_square(&aa, &a);
		fe_add_small(&small, &a, &b, (1 << 17) - 1);
		check_at_most(&ab, CARRIED);
		check_at_most(&aa, CARRIED);
		check_at_most(&small, (1 << 26) + (1 << 24));
		for (int lane = 0; lane < LANES; lane++) {
			number x = number_of(&a, lane), y = number_of(&b, lane);
			number k = { { (1 << 17) - 1 } }, sum = product(&y, &k);
			check_equal(&ab, lane, product(&x, &y));
			check_equal(&aa, lane, product(&x, &x));
			for (unsigned int w = 0; w < WORDS; w++)
				number_add(&sum, x.w[w], 32 * w);
			check_equal(&small, lane, sum);
		}
	}
}

static void sums_and_differences(void **state)
{
	struct prng c = { 43 };
	fe a, b, sum, difference, back;

	(void)state;
	if (!(cpu_features() & CPU_AVX2))
		skip();
	for (int i = 0; i < 400; i++) {
		fill(&a, &c, CARRIED, i);
		fill(&b, &c, CARRIED, i + i % 2);
		fe_add(&sum, &a, &b);
		fe_sub(&difference, &a, &b);
		fe_add(&back, &difference, &b);
		for (int k = 0; k < 10; k++)
			for (int lane = 0; lane < LANES; lane++) {
				assert_int_equal(sum.v[k][lane], a.v[k][lane] + b.v[k][lane]);
				assert_in_range(difference.v[k][lane], 0, DIFFERENCE >> (k & 1));
			}
		for (int lane = 0; lane < LANES; lane++)
			check_equal(&back, lane, number_of(&a, lane));
	}
}

/* Numbers around 0, p and 2p, and the largest limbs that a product has: the result is below p. */
static void reduction(void **state)
{
	struct prng c = { 47 };
	fe a, reduced;

	(void)state;
	if (!(cpu_features() & CPU_AVX2))
		skip();
	for (int i = 0; i < 300; i++) {
		fill(&a, &c, CARRIED, i % 2);
		for (int lane = 0; i < 100 && lane < LANES; lane++) {
			for (int k = 0; k < 10; k++)
				a.v[k][lane] = lane < 2 ? 0 : k & 1 ? MASK25 : MASK26;
			a.v[0][lane] += (uint64_t)i - (lane < 2 ? 0 : 50); /* from p + 18 - 50 on */
		}
		fe_reduce(reduced.v, &a);
		for (int lane = 0; lane < LANES; lane++) {
			number expected = number_of(&a, lane), is = number_of(&reduced, lane);
			number_reduce(&expected);
			assert_memory_equal(is.w, expected.w, sizeof is.w);
		}
	}
}

static void inversion(void **state)
{
	struct prng c = { 53 };
	number one = { { 1 } }, zero = { 0 };
	fe a, inverse, unit;

	(void)state;
	if (!(cpu_features() & CPU_AVX2))
		skip();
	for (int i = 0; i < 50; i++) {
		fill(&a, &c, CARRIED, i);
		for (int k = 0; k < 10; k++)
			a.v[k][i % LANES] = 0;
		fe_invert(&inverse, &a);
		fe_mul(&unit, &inverse, &a);
		for (int lane = 0; lane < LANES; lane++)
			check_equal(&unit, lane, lane == i % LANES ? zero : one);
	}
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

int main(void)
{
#if CRYPTO_X86
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),
		cmocka_unit_test(sums_and_differences),
		cmocka_unit_test(reduction),
		cmocka_unit_test(inversion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
