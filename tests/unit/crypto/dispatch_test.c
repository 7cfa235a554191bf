/* The choice of implementations: every subset of this CPU's features. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/aead.h"
#include "crypto/blake2s.h"
#include "crypto/chacha20.h"
#include "crypto/dispatch.h"
#include "crypto/poly1305.h"
#include "crypto/x25519.h"

enum { FEATURE_SETS = 1 << 7 };

static void every_subset_passes_the_self_test(void **state)
{
	(void)state;
	for (uint32_t features = 0; features < FEATURE_SETS; features++) {
		if ((features & ~cpu_features()) != 0)
			continue;
		crypto_restrict(features);
		assert_int_equal(crypto_features(), features);
		assert_int_equal(crypto_impls()->aead->needs & ~features, 0);
		assert_int_equal(crypto_impls()->chacha20->needs & ~features, 0);
		assert_int_equal(crypto_impls()->xchacha20->needs & ~features, 0);
		assert_int_equal(crypto_impls()->poly1305->needs & ~features, 0);
		assert_int_equal(crypto_impls()->blake2s->needs & ~features, 0);
		assert_int_equal(crypto_impls()->blake2s_lanes->needs & ~features, 0);
		assert_int_equal(crypto_impls()->x25519->needs & ~features, 0);
		assert_int_equal(crypto_impls()->x25519_batch->needs & ~features, 0);
		if (!crypto_self_test())
			fail_msg("self-test fails with features %x", features);
	}
	crypto_restrict(UINT32_MAX);
	assert_int_equal(crypto_features(), cpu_features());
}

static void no_feature_is_portable(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subset_passes_the_self_test),
		cmocka_unit_test(no_feature_is_portable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
