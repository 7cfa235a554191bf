/* X25519: the iterated test vector of RFC 7748, implementations against each other, batches of every size, clamping. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/dispatch.h"
#include "crypto/x25519.h"
#include "crypto/x25519/fe25.h"
#include "crypto/x25519/x25519_single.inc"
#include "../../../lib/guard.h"
#include "../../../lib/vectors.h"

static bool have(uint32_t needs)
{
	return (needs & ~cpu_features()) == 0;
}

static void iterate(const struct vector *v, void *ctx)
{
	x25519_fn *mul = (x25519_fn *)ctx;
	uint8_t k[32] = { 9 }, u[32] = { 9 }, r[32];
	unsigned long rounds = vector_number(v, 0);

	if (rounds > 1000 && !getenv("WG_SLOW_TESTS")) /* half a minute per implementation */
		return;
	for (; rounds > 0; rounds--) {
		mul(r, k, u);
		memcpy(u, k, sizeof u);
		memcpy(k, r, sizeof k);
	}
	vector_equal(v, 1, k, sizeof k);
}

static void iterated(void **state)
{
	(void)state;
	for (const struct x25519_impl *impl = crypto_tables.x25519;; impl++) {
		if (have(impl->needs))
			vectors_each("x25519-iterated.txt", 2, iterate, (void *)impl->mul);
		else
			print_message("skip: x25519 %s: not on this CPU\n", impl->name);
		if (impl->needs == 0)
			break;
	}
	if (!getenv("WG_SLOW_TESTS"))
		print_message("skip: 1,000,000 iterations; WG_SLOW_TESTS=1 runs them\n");
}

/* Random values; coordinates near 0, p and 2^256; scalars of zeros and ones. */
static void operands(struct prng *c, uint8_t k[32], uint8_t u[32])
{
	uint32_t kind = prng_below(c, 8);

	prng_bytes(c, k, 32);
	prng_bytes(c, u, 32);
	if (kind < 3)
		memset(u + 1, kind == 0 ? 0 : 0xff, 30);
	if (kind == 1)
		u[31] = 0x7f;
	if (kind == 2)
		u[31] = 0xff;
	if (kind == 3)
		memset(k, 0, 32);
	if (kind == 4)
		memset(k, 0xff, 32);
}

static void impls_agree(void **state)
{
	struct prng c = { 7 };
	uint8_t k[32], u[32], a[32], b[32];

	(void)state;
	for (const struct x25519_impl *impl = crypto_tables.x25519; impl->needs; impl++) {
		if (!have(impl->needs))
			continue;
		for (int i = 0; i < 1500; i++) {
			operands(&c, k, u);
			impl->mul(a, k, u);
			x25519_mul_portable(b, k, u);
			assert_memory_equal(a, b, sizeof a);
		}
	}
}

/* The ladder over fe25.h, which 32-bit machines use, against the portable implementation of this machine. */
static void field_of_32_bit_machines(void **state)
{
	struct prng c = { 17 };
	uint8_t k[32], u[32], a[32], b[32];

	(void)state;
	for (int i = 0; i < 500; i++) {
		prng_bytes(&c, k, sizeof k);
		prng_bytes(&c, u, sizeof u);
		if (i % 5 == 0)
			memset(u + 1, 0xff, 31);
		if (i % 5 == 1)
			memset(u + 1, 0, 31);
		ladder(a, k, u); /* of x25519_single.inc over fe25.h */
		x25519_mul_portable(b, k, u);
		assert_memory_equal(a, b, sizeof a);
	}
}

static void check_batch(struct prng *c, size_t n)
{
	struct x25519_job jobs[20];
	uint8_t expected[32];

	for (size_t i = 0; i < n; i++) {
		operands(c, jobs[i].key.b, jobs[i].u.b);
		memset(&jobs[i].out, 0xee, sizeof jobs[i].out);
		if (prng_below(c, 4) == 0)
			memset(&jobs[i].u, 0, sizeof jobs[i].u);
	}
	x25519_batch(jobs, n);
	for (size_t i = 0; i < n; i++) {
		x25519_mul_portable(expected, jobs[i].key.b, jobs[i].u.b);
		assert_memory_equal(expected, jobs[i].out.b, sizeof expected);
		assert_int_equal(jobs[i].ok, !mem_is_zero_ct(expected, sizeof expected));
	}
}

/* What one lane computes does not change the others. */
static void check_lanes(struct prng *c, size_t lanes)
{
	struct x25519_job jobs[16], other[16];

	for (size_t i = 0; i < lanes; i++)
		operands(c, jobs[i].key.b, jobs[i].u.b);
	x25519_batch(jobs, lanes);
	for (size_t changed = 0; changed < lanes; changed++) {
		memcpy(other, jobs, sizeof jobs);
		operands(c, other[changed].key.b, other[changed].u.b);
		if (changed % 2)
			memset(&other[changed].u, 0, sizeof other[changed].u);
		x25519_batch(other, lanes);
		for (size_t i = 0; i < lanes; i++)
			if (i != changed)
				assert_memory_equal(&other[i].out, &jobs[i].out, sizeof jobs[i].out);
	}
}

static void batches(void **state)
{
	struct prng c = { 11 };

	(void)state;
	for (const struct x25519_batch_impl *impl = crypto_tables.x25519_batch;; impl++) {
		if (have(impl->needs)) {
			crypto_restrict(impl->needs);
			assert_string_equal(crypto_impl_name("x25519-batch"), impl->name);
			for (size_t n = 0; n <= 20; n++)
				for (int i = 0; i < 8; i++)
					check_batch(&c, n);
			check_lanes(&c, impl->lanes);
		} else {
			print_message("skip: x25519-batch %s: not on this CPU\n", impl->name);
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

static void clamping(void **state)
{
	struct wg_private k;
	struct wg_public a, b;

	(void)state;
	memset(&k, 0xff, sizeof k);
	x25519_public(&a, &k);
	x25519_clamp(&k);
	assert_int_equal(k.b[0], 0xf8);
	assert_int_equal(k.b[31], 0x7f);
	x25519_public(&b, &k);
	assert_memory_equal(&a, &b, sizeof a);
	memset(&k, 0, sizeof k);
	x25519_clamp(&k);
	assert_int_equal(k.b[0], 0);
	assert_int_equal(k.b[31], 0x40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iterated),
		cmocka_unit_test(impls_agree),
		cmocka_unit_test(field_of_32_bit_machines),
		cmocka_unit_test(batches),
		cmocka_unit_test(clamping),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
