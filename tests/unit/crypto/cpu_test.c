/* Names of CPU features, as in WG_CPU. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/base.h"
#include "crypto/crypto.h"

static void feature_names(void **state)
{
	static const struct {
		const char *names;
		bool ok;
		uint32_t features;
	} cases[] = {
		{ "generic", true, 0 },
		{ "ssse3,neon", true, CPU_SSSE3 | CPU_NEON },
		{ "adx,bmi2", true, CPU_ADX | CPU_BMI2 },
		{ "avx2", true, CPU_AVX2 | CPU_BMI2 | CPU_SSSE3 },
		{ "avx2,adx", true, CPU_AVX2 | CPU_BMI2 | CPU_SSSE3 | CPU_ADX },
		{ "avx512", true, CPU_AVX512 | CPU_AVX2 | CPU_BMI2 | CPU_SSSE3 | CPU_ADX },
		{ "ifma", true, CPU_IFMA | CPU_AVX512 | CPU_AVX2 | CPU_BMI2 | CPU_SSSE3 | CPU_ADX },
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
		uint32_t features = 0x5555; /* unchanged by names that are not known */
		assert_int_equal(cpu_parse(&features, cases[i].names), cases[i].ok);
		assert_int_equal(features, cases[i].ok ? cases[i].features : 0x5555);
	}
}

/* One name is enough to measure as on a CPU that has nothing newer. */
static void a_name_chooses_its_implementation(void **state)
{
	uint32_t features;

	(void)state;
	if (!(cpu_features() & CPU_AVX2))
		skip();
	assert_true(cpu_parse(&features, "avx2"));
	crypto_restrict(features);
	assert_string_equal(crypto_impl_name("aead"), "avx2");
	crypto_restrict(UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feature_names),
		cmocka_unit_test(a_name_chooses_its_implementation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
