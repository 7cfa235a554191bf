/* Every subset of CPU features through the public door, and the words of WG_CPU. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/impl.h"

enum { EVERY = 1 << 7 };

static void every_subset_computes_right(void **state)
{
	(void)state;
	for (uint32_t mask = 0; mask < EVERY; mask++) {
		if ((mask & ~cpu_features()) != 0)
			continue;
		crypto_restrict(mask);
		assert_int_equal(crypto_features(), mask);
		assert_int_equal(crypto_impls()->aead->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->chacha20->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->xchacha20->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->poly1305->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->blake2s->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->blake2s_lanes->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->x25519->needs & ~mask, 0);
		assert_int_equal(crypto_impls()->x25519_batch->needs & ~mask, 0);
		if (!crypto_self_test())
			fail_msg("self-test fails with features %x", mask);
	}
	crypto_restrict(UINT32_MAX);
	assert_int_equal(crypto_features(), cpu_features());
}

static void generic_is_portable(void **state)
{
	static const char *const primitives[] = { "aead", "x25519", "blake2s", "blake2s-lanes",
						  "chacha20", "xchacha20", "poly1305" };

	(void)state;
	crypto_restrict(0);
	for (size_t i = 0; i < ARRAY_LEN(primitives); i++)
		assert_string_equal(crypto_impl_name(primitives[i]), "portable");
	assert_string_equal(crypto_impl_name("x25519-batch"), "single");
	assert_null(crypto_impl_name("rot13"));
	crypto_restrict(UINT32_MAX);
}

static void words(void **state)
{
	static const struct {
		const char *words;
		bool ok;
		uint32_t mask;
	} cases[] = {
		{ "generic", true, 0 },
		{ "avx2", true, CPU_AVX2 },
		{ "avx2,bmi2,adx", true, CPU_AVX2 | CPU_BMI2 | CPU_ADX },
		{ "ssse3,avx512,ifma,neon", true, CPU_SSSE3 | CPU_AVX512 | CPU_IFMA | CPU_NEON },
		{ "", false, 0 },
		{ "avx", false, 0 },
		{ "avx22", false, 0 },
		{ "AVX2", false, 0 },
		{ "avx2,", false, 0 },
		{ ",avx2", false, 0 },
		{ "avx2 bmi2", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t mask = 0x5555;
		assert_int_equal(cpu_parse(&mask, cases[i].words), cases[i].ok);
		assert_int_equal(mask, cases[i].ok ? cases[i].mask : 0x5555);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subset_computes_right),
		cmocka_unit_test(generic_is_portable),
		cmocka_unit_test(words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
