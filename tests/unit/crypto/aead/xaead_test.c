/* xaead_seal_many(): any number of short texts in every implementation, against xaead_seal(). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/chacha20.h"
#include "crypto/dispatch.h"
#include "../../../lib/guard.h"

enum { BUFFER_BYTES = 6000, MARK = 0x5a };
static uint8_t plain[BUFFER_BYTES], expected[BUFFER_BYTES];
static struct guard to;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

/* n texts sealed together must be what xaead_seal() makes of each; some of them in place, one at a guard page. */
static void check_xaead_jobs(struct prng *c, size_t n, uint32_t text_n, uint32_t ad_n)
{
	struct xaead_job jobs[45];
	uint8_t one[64 + 16];
	struct wg_sym key;

	prng_bytes(c, &key, sizeof key);
	prng_bytes(c, plain, 4000);
	memset(to.start, MARK, (size_t)(to.end - to.start));
	for (size_t i = 0; i < n; i++) {
		jobs[i] = (struct xaead_job){
			.dst = i == 0 ? to.end - text_n - 16 : to.start + i * 100,
			.src = plain + prng_below(c, 3900), .n = text_n,
			.ad = plain + prng_below(c, 3900), .ad_n = ad_n,
			.nonce = plain + prng_below(c, 3900) };
		if (i % 3 == 1) { /* in place */
			memcpy(jobs[i].dst, jobs[i].src, text_n);
			jobs[i].src = jobs[i].dst;
		}
		xaead_seal(expected + i * 100, jobs[i].src, text_n, jobs[i].ad, ad_n, jobs[i].nonce, &key);
	}
	xaead_seal_many(jobs, n, &key);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(jobs[i].dst, expected + i * 100, text_n + 16);
		if (i > 0)
			assert_int_equal(jobs[i].dst[text_n + 16], MARK);
		if (i % 7 == 0)
			assert_true(xaead_open(one, jobs[i].dst, text_n, jobs[i].ad, ad_n, jobs[i].nonce,
					       &key));
	}
}

static void every_number_and_length(void **state)
{
	struct prng c = { 6 };

	(void)state;
	for (const struct xchacha20_impl *impl = crypto_tables.xchacha20;; impl++) {
		if (!have("xchacha20", impl->name, impl->needs))
			continue;
		crypto_restrict(impl->needs);
		assert_string_equal(crypto_impl_name("xchacha20"), impl->name);
		for (size_t n = 0; n <= 45; n++)
			check_xaead_jobs(&c, n, 16, 16);
		for (uint32_t n = 0; n <= 64; n++)
			check_xaead_jobs(&c, 19, n, prng_below(&c, 65));
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static int setup(void **state)
{
	(void)state;
	guard_init(&to, BUFFER_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guard_free(&to);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_and_length),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
