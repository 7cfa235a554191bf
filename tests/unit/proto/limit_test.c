/* The rate limit per source: the cases of the Linux kernel's self-test, with a virtual clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/limit.h"

static struct limit l;
static const uint64_t START = 77 * NS_PER_S;

static int fresh(void **state)
{
	(void)state;
	limit_free(&l);
	return 0;
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, span_of(text)));
	return a;
}

static uint32_t chain_of(const struct ip_addr *a, uint8_t secret)
{
	const uint8_t bytes[LIMIT_SECRET_BYTES] = { secret };
	uint32_t head = 0;

	limit_free(&l);
	limit_set_secret(&l, bytes);
	assert_true(limit_allows(&l, START, a));
	while (l.heads[head] == 0)
		head++;
	return head;
}

/* Family and address are hashed with a secret key. */
static void test_hash_is_keyed(void **state)
{
	static const uint8_t source[9] = { IP_V4, 192, 0, 2, 1 }, secret[LIMIT_SECRET_BYTES] = { 1 };
	struct ip_addr a = address("192.0.2.1");
	uint8_t mac[MAC_BYTES];

	(void)state;
	mac16_2(mac, secret, sizeof secret, source, sizeof source, NULL, 0);
	assert_int_equal(chain_of(&a, 1), load_le32(mac) % LIMIT_ENTRIES_MAX);
	assert_int_not_equal(chain_of(&a, 1), chain_of(&a, 2));
}

static void burst_and_refill(const struct ip_addr *a)
{
	uint64_t now = START;

	for (int i = 0; i < 5; i++)
		assert_true(limit_allows(&l, now, a));
	assert_false(limit_allows(&l, now, a));
	now += 50 * NS_PER_MS;
	assert_true(limit_allows(&l, now, a));
	assert_false(limit_allows(&l, now, a));
	now += 49 * NS_PER_MS;
	assert_false(limit_allows(&l, now, a));
	now += NS_PER_MS;
	assert_true(limit_allows(&l, now, a));
	now += 100 * NS_PER_MS;
	assert_true(limit_allows(&l, now, a));
	assert_true(limit_allows(&l, now, a));
	assert_false(limit_allows(&l, now, a));
	now += 500 * NS_PER_MS; /* tokens accumulate up to the burst */
	for (int i = 0; i < 5; i++)
		assert_true(limit_allows(&l, now, a));
	assert_false(limit_allows(&l, now, a));
}

static void test_burst(void **state)
{
	struct ip_addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");

	(void)state;
	burst_and_refill(&v4);
	burst_and_refill(&v6);
}

static void test_limit_is_per_source(void **state)
{
	struct ip_addr v4 = address("192.0.2.1"), v6 = address("2001:db8:0:1::1");

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct ip_addr other4 = v4, other6 = v6, same6 = v6;

		(void)!limit_allows(&l, START, &v4);
		(void)!limit_allows(&l, START, &v6);
		store_be32(other4.b, 0x0a000000 + i);
		store_be32(other6.b + 4, 0x100 + i);
		store_be32(same6.b + 8, i); /* the same /64 */
		assert_true(limit_allows(&l, START, &other4));
		assert_true(limit_allows(&l, START, &other6));
		if (i >= 5) {
			assert_false(limit_allows(&l, START, &v4));
			assert_false(limit_allows(&l, START, &same6));
		}
	}
}

/* 192.0.2.1 and c000:201:: begin with the same bytes. */
static void test_families_are_separate(void **state)
{
	struct ip_addr v4 = address("192.0.2.1"), v6 = address("c000:201::");

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(limit_allows(&l, START, &v4));
	assert_false(limit_allows(&l, START, &v4));
	assert_true(limit_allows(&l, START, &v6));
}

static void test_full_table_and_eviction(void **state)
{
	struct ip_addr a = address("10.0.0.0");

	(void)state;
	for (uint32_t i = 0; i < LIMIT_ENTRIES_MAX; i++) {
		store_be32(a.b, 0x0a000000 + i);
		assert_true(limit_allows(&l, START + i, &a));
	}
	store_be32(a.b, 0x0b000000);
	/* the oldest entry has not been idle for long enough */
	assert_false(limit_allows(&l, START + NS_PER_S, &a));
	assert_int_equal(l.n, LIMIT_ENTRIES_MAX);
	assert_true(limit_allows(&l, START + NS_PER_S + 1, &a));
	assert_int_equal(l.n, LIMIT_ENTRIES_MAX);
	assert_true(limit_allows(&l, START + 10 * NS_PER_S, &a));
	assert_int_equal(l.n, 1);
	for (int i = 0; i < 4; i++)
		assert_true(limit_allows(&l, START + 10 * NS_PER_S, &a));
	assert_false(limit_allows(&l, START + 10 * NS_PER_S, &a));
}

static void test_clock_that_steps_back(void **state)
{
	struct ip_addr a = address("10.0.0.0");

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(limit_allows(&l, START, &a));
	assert_false(limit_allows(&l, START - NS_PER_S, &a));
	assert_true(limit_allows(&l, START, &a)); /* a second later by the last time that was passed */
	limit_free(&l);
	limit_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hash_is_keyed, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_burst, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_limit_is_per_source, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_families_are_separate, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_full_table_and_eviction, fresh, fresh),
		cmocka_unit_test_setup_teardown(test_clock_that_steps_back, fresh, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
