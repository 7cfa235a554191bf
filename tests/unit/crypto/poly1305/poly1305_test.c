/* Poly1305: every implementation, and the 26-bit limbs for machines without 128-bit products, against the portable one,
 * with values that make carries run far and sums end near the modulus. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/dispatch.h"
#include "crypto/poly1305.h"
#include "crypto/poly1305/poly1305_limbs.h"
#include "../../../lib/guard.h"

enum { BUFFER_BYTES = 2000 };
static struct guard from;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

/* Keys and messages of zeros, ones and random bytes. */
static void poly1305_input(struct prng *c, struct poly1305 *p, uint8_t *m, size_t n)
{
	uint8_t key[32];
	uint32_t kind = prng_below(c, 6);

	prng_bytes(c, key, sizeof key);
	if (kind == 0)
		memset(key, 0xff, 16);
	if (kind == 1) {
		memset(key, 0, 16);
		key[0] = (uint8_t)prng_below(c, 5);
	}
	prng_bytes(c, m, n);
	for (size_t i = 0; i < n; i += 16)
		if (kind < 3 && prng_below(c, 2))
			memset(m + i, prng_below(c, 4) ? 0xff : 0xfb, n - i < 16 ? n - i : 16);
	poly1305_init(p, key);
	if (kind == 3) { /* in the middle of a message */
		p->h[0] = UINT64_MAX;
		p->h[1] = UINT64_MAX;
		p->h[2] = prng_below(c, 8);
	}
}

static void poly1305_check(const struct poly1305_impl *impl, struct prng *c, size_t n)
{
	struct poly1305 a, b;
	uint8_t *m = from.end - n, tag_a[16], tag_b[16];

	poly1305_input(c, &a, m, n);
	b = a;
	impl->blocks(&a, m, n);
	poly1305_blocks_portable(&b, m, n);
	poly1305_tag(tag_a, &a);
	poly1305_tag(tag_b, &b);
	assert_memory_equal(tag_a, tag_b, sizeof tag_a);
	assert_true(a.h[2] < 8);
}

static void limbs_blocks_whole(struct poly1305 *p, const uint8_t *m, size_t n)
{
	limbs_blocks(p, m, n, 1);
}

static void poly1305_impls_agree(void **state)
{
	static const struct poly1305_impl limbs = { "26-bit limbs", 0, limbs_blocks_whole };
	const struct poly1305_impl *impl = crypto_tables.poly1305;
	struct prng c = { 5 };
	bool last;

	(void)state;
	do {
		last = impl->needs == 0;
		if (last) /* in place of the portable one, which is the reference */
			impl = &limbs;
		if (have("poly1305", impl->name, impl->needs))
			for (size_t i = 0; i < 30000; i++)
				poly1305_check(impl, &c, i % 90 * 16);
		impl++;
	} while (!last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(poly1305_impls_agree),
	};
	int failed;

	guard_init(&from, BUFFER_BYTES);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	guard_free(&from);
	return failed;
}
