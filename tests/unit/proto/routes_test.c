/* Allowed IPs: the cases of the Linux kernel's self-test, and the trie compared with a list
 * (tests/lib/slow_routes.h). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/routes.h"
#include "../../lib/sample.h"
#include "../../lib/slow_routes.h"

enum { OWNERS = 48 };

static struct routes routes;
static struct routes_owner owners[OWNERS];

static int fresh(void **state)
{
	(void)state;
	routes_free(&routes);
	memset(owners, 0, sizeof owners);
	return 0;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_true(prefix_parse(&p, span_of(text), NULL));
	return p;
}

static void add(int owner, const char *text)
{
	struct ip_prefix p = prefix(text);

	assert_true(routes_add(&routes, &owners[owner], &p));
}

static bool take(int owner, const char *text)
{
	struct ip_prefix p = prefix(text);

	return routes_remove(&routes, &owners[owner], &p);
}

/* -1: no owner */
static int find(const char *text)
{
	struct routes_owner *owner;
	struct ip_addr a;

	assert_true(ip_parse(&a, span_of(text)));
	owner = routes_find(&routes, a.family, a.b);
	return owner ? (int)(owner - owners) : -1;
}

static void test_reserve(void **state)
{
	const struct route *all;

	(void)state;
	add(0, "10.9.0.0/16");
	assert_true(routes_reserve(&routes, 1000));
	all = routes.all;
	for (unsigned int i = 0; i < 1000; i++) {
		const uint8_t b[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct ip_prefix p;
		struct ip_addr a = ip_v4(b);
		assert_true(prefix_make(&p, &a, 32));
		assert_true(routes_add(&routes, &owners[1], &p));
		assert_ptr_equal(routes.all, all);
	}
	assert_int_equal(find("10.9.1.1"), 0);
	assert_int_equal(find("10.0.3.1"), 1);
	assert_false(routes_reserve(&routes, UINT32_MAX));
	assert_int_equal(find("10.0.3.1"), 1);
}

static void test_empty(void **state)
{
	(void)state;
	assert_int_equal(find("192.0.2.1"), -1);
	assert_int_equal(find("::"), -1);
	assert_false(take(0, "0.0.0.0/0"));
	routes_remove_all(&routes, &owners[0]);
}

static void test_longest_match(void **state)
{
	(void)state;
	add(1, "192.168.4.0/24");
	add(2, "192.168.4.4/32");
	add(3, "192.168.0.0/16");
	add(4, "192.95.5.64/27");
	add(3, "192.95.5.65/27"); /* host bits are cleared: it moves */
	add(5, "0.0.0.0/0");
	add(6, "64.15.112.0/20");
	add(7, "64.15.123.211/25");
	add(1, "10.0.0.0/25");
	add(2, "10.0.0.128/25");
	add(1, "10.1.0.0/30");
	add(2, "10.1.0.4/30");
	add(3, "10.1.0.8/29");
	add(4, "10.1.0.16/29");
	assert_int_equal(find("192.168.4.20"), 1);
	assert_int_equal(find("192.168.4.0"), 1);
	assert_int_equal(find("192.168.4.4"), 2);
	assert_int_equal(find("192.168.200.182"), 3);
	assert_int_equal(find("192.95.5.68"), 3);
	assert_int_equal(find("192.95.5.96"), 5);
	assert_int_equal(find("64.15.116.26"), 6);
	assert_int_equal(find("64.15.123.3"), 6);
	assert_int_equal(find("64.15.123.130"), 7);
	assert_int_equal(find("10.0.0.127"), 1);
	assert_int_equal(find("10.0.0.128"), 2);
	assert_int_equal(find("10.1.0.3"), 1);
	assert_int_equal(find("10.1.0.5"), 2);
	assert_int_equal(find("10.1.0.12"), 3);
	assert_int_equal(find("10.1.0.20"), 4);
	assert_true(take(5, "0.0.0.0/0"));
	assert_int_equal(find("8.8.8.8"), -1);
}

static void test_longest_match_v6(void **state)
{
	(void)state;
	add(1, "2607:5300:6000:6b00::c05f:543/128");
	add(2, "2607:5300:6000:6b00::/64");
	add(3, "::/0");
	add(4, "::/0"); /* the last one wins */
	add(5, "2404:6800:4004:800::/56");
	add(6, "2404:6800:4004:806::1006/96");
	add(7, "2404:6800:4004:806::1234:5678/128");
	assert_int_equal(find("2607:5300:6000:6b00::c05f:543"), 1);
	assert_int_equal(find("2607:5300:6000:6b00::c02e:1ee"), 2);
	assert_int_equal(find("2607:5300:6000:6b01::1"), 4);
	assert_int_equal(find("2404:6800:4004:806::1006"), 6);
	assert_int_equal(find("2404:6800:4004:806::1234:5678"), 7);
	assert_int_equal(find("2404:6800:4004:806:0:1::1"), 5);
	assert_int_equal(find("2404:67ff:4004:800::1"), 4);
}

static void test_removal_by_owner(void **state)
{
	static const char *const corners[] = {
		"1.0.0.0", "64.0.0.0", "128.0.0.0", "192.0.0.0", "255.0.0.0", "0.0.0.0",
		"255.255.255.255",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(corners); i++)
		add(1, corners[i]);
	for (size_t i = 0; i < ARRAY_LEN(corners); i++)
		assert_int_equal(find(corners[i]), 1);
	routes_remove_all(&routes, &owners[1]);
	for (size_t i = 0; i < ARRAY_LEN(corners); i++)
		assert_int_equal(find(corners[i]), -1);
	assert_null(routes.tries.v4);
	add(1, "192.168.0.0/16");
	add(1, "192.168.0.0/24");
	routes_remove_all(&routes, &owners[1]);
	assert_int_equal(find("192.168.0.1"), -1);
	assert_null(routes.tries.v4);
}

static void test_exact_removal(void **state)
{
	struct ip_prefix p;
	struct ip_addr a = ip_v4((const uint8_t[4]){ 192, 168, 0, 1 });

	(void)state;
	add(1, "192.168.0.0/24");
	assert_false(take(1, "192.168.0.1/32"));
	assert_false(take(1, "192.168.0.0/23"));
	assert_false(take(2, "192.168.0.0/24"));
	assert_int_equal(find("192.168.0.1"), 1);
	assert_true(take(1, "192.168.0.9/24"));
	assert_false(take(1, "192.168.0.0/24"));
	assert_int_equal(find("192.168.0.1"), -1);
	assert_false(prefix_make(&p, &a, 33)); /* there is no such prefix */
	a = ip_v6((const uint8_t[16]){ 0 });
	assert_false(prefix_make(&p, &a, 129));
}

static void test_every_prefix_length(void **state)
{
	struct ip_prefix p = { .bits = 128 };

	(void)state;
	for (unsigned int side = 0; side < 2; side++) { /* a one, then a zero, at every bit */
		for (unsigned int bit = 0; bit < 128; bit++) {
			p.addr = ip_v6((const uint8_t[16]){ 0 });
			if (side)
				memset(p.addr.b, 0xff, 16);
			p.addr.b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_true(routes_add(&routes, &owners[side], &p));
			assert_ptr_equal(routes_find(&routes, IP_V6, p.addr.b), &owners[side]);
		}
	}
	for (unsigned int bits = 0; bits <= 128; bits++) {
		struct ip_addr a = ip_v6((const uint8_t[16]){ 0xaa, 0x55, 0xaa, 0x55, 0xaa, 0x55 });
		assert_true(prefix_make(&p, &a, bits));
		assert_true(routes_add(&routes, &owners[2], &p));
	}
	assert_int_equal(find("aa55:aa55:aa55::"), 2);
	routes_remove_all(&routes, &owners[0]);
	routes_remove_all(&routes, &owners[2]);
	assert_int_equal(find("aa55:aa55:aa55::"), -1);
	routes_remove_all(&routes, &owners[1]);
	assert_null(routes.tries.v6);
}

static void test_order_and_moves(void **state)
{
	static const char *const want[] = { "10.0.0.0/8", "fd00::/8", "10.2.0.0/16", "10.1.0.0/16" };
	struct ip_prefix p, q;
	uint32_t at = 0;

	(void)state;
	add(1, "10.1.2.3/16");
	add(1, "10.0.0.0/8");
	add(2, "10.9.0.0/16");
	add(1, "fd00::1/8");
	add(1, "10.2.0.0/16");
	add(1, "10.1.0.0/16"); /* again: now the newest */
	add(2, "10.9.0.0/16");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		at = routes_next(&routes, &owners[1], at, &p);
		q = prefix(want[i]);
		assert_int_not_equal(at, 0);
		assert_true(prefix_equal(&p, &q));
	}
	assert_int_equal(routes_next(&routes, &owners[1], at, &p), 0);
	add(2, "10.2.0.0/16"); /* moves to another owner */
	assert_int_equal(find("10.2.1.1"), 2);
	at = routes_next(&routes, &owners[1], 0, &p);
	at = routes_next(&routes, &owners[1], at, &p);
	at = routes_next(&routes, &owners[1], at, &p);
	assert_int_equal(p.addr.b[1], 1);
	assert_int_equal(routes_next(&routes, &owners[1], at, &p), 0);
	assert_false(take(1, "10.2.0.0/16"));
	assert_true(take(2, "10.2.0.0/16"));
	assert_int_equal(find("10.2.1.1"), 1);
}

/* ---- the slow twin ---- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % n;
}

/* Often close to an earlier one, so that they share many leading bits. */
static struct ip_addr random_address(void)
{
	static struct ip_addr last;
	struct ip_addr a = { .family = random_below(2) ? IP_V4 : IP_V6 };
	unsigned int keep = random_below(ip_bits(&a) + 1);

	for (unsigned int i = 0; i < ip_bytes(&a); i++)
		a.b[i] = (uint8_t)random_below(256);
	if (last.family == a.family && random_below(4))
		for (unsigned int i = 0; i < keep; i++)
			a.b[i / 8] = (uint8_t)((a.b[i / 8] & ~(0x80 >> i % 8)) |
					       (last.b[i / 8] & 0x80 >> i % 8));
	if (random_below(8) == 0)
		last = a;
	return a;
}

static void compare(const struct slow_routes *slow, unsigned int n)
{
	struct ip_addr asked[ROUTE_QUERIES_MAX];
	struct route_query queries[ROUTE_QUERIES_MAX];

	for (unsigned int i = 0; i < n; i++) {
		struct ip_addr a = random_address();

		if (slow->n > 0 && random_below(2)) { /* just inside or just outside a prefix */
			a = slow->all[random_below((uint32_t)slow->n)].prefix.addr;
			a.b[random_below(ip_bytes(&a))] ^= (uint8_t)(1u << random_below(8));
		}
		assert_ptr_equal(routes_find(&routes, a.family, a.b), slow_routes_find(slow, &a));
		asked[i] = a;
		queries[i] = (struct route_query){ .address = asked[i].b, .family = a.family };
	}
	routes_find_many(&routes, queries, n);
	for (unsigned int i = 0; i < n; i++)
		assert_ptr_equal(queries[i].owner, slow_routes_find(slow, &asked[i]));
}

static void compare_lists(const struct slow_routes *slow)
{
	for (int o = 0; o < OWNERS; o++) {
		struct ip_prefix p;
		uint32_t at = 0;

		for (size_t i = 0; i < slow->n; i++) {
			if (slow->all[i].owner != &owners[o])
				continue;
			at = routes_next(&routes, &owners[o], at, &p);
			assert_int_not_equal(at, 0);
			assert_true(prefix_equal(&p, &slow->all[i].prefix));
		}
		assert_int_equal(routes_next(&routes, &owners[o], at, &p), 0);
	}
}

static void random_change(struct slow_routes *slow)
{
	struct ip_addr a = random_address();
	struct routes_owner *owner = &owners[random_below(OWNERS)];
	struct ip_prefix p;

	assert_true(prefix_make(&p, &a, random_below(ip_bits(&a) + 1)));
	if (slow->n > 0 && random_below(3) == 0)
		p = slow->all[random_below((uint32_t)slow->n)].prefix;
	switch (random_below(8)) {
	case 0:
	case 1:
		assert_int_equal(routes_remove(&routes, owner, &p),
				 slow_routes_remove(slow, owner, &p));
		break;
	case 2:
		if (slow->n > 0) {
			struct slow_route one = slow->all[random_below((uint32_t)slow->n)];
			owner = &owners[(const struct routes_owner *)one.owner - owners];
			assert_true(routes_remove(&routes, owner, &one.prefix));
			assert_true(slow_routes_remove(slow, owner, &one.prefix));
		}
		break;
	default:
		assert_true(routes_add(&routes, owner, &p));
		slow_routes_add(slow, owner, &p);
		break;
	}
}

static void test_against_list(void **state)
{
	for (uint64_t seed = 1 + sample_first(); seed <= 40; seed += sample_step()) {
		struct slow_routes slow = { 0 };

		fresh(state);
		random_state = seed;
		for (int i = 0; i < 600; i++) {
			random_change(&slow);
			compare(&slow, 8);
		}
		compare_lists(&slow);
		for (int o = 0; o < OWNERS; o++) {
			routes_remove_all(&routes, &owners[o]);
			slow_routes_remove_all(&slow, &owners[o]);
			compare(&slow, 20);
		}
		assert_null(routes.tries.v4);
		assert_null(routes.tries.v6);
		slow_routes_free(&slow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, fresh),
		cmocka_unit_test_setup(test_reserve, fresh),
		cmocka_unit_test_setup(test_longest_match, fresh),
		cmocka_unit_test_setup(test_longest_match_v6, fresh),
		cmocka_unit_test_setup(test_removal_by_owner, fresh),
		cmocka_unit_test_setup(test_exact_removal, fresh),
		cmocka_unit_test_setup(test_every_prefix_length, fresh),
		cmocka_unit_test_setup(test_order_and_moves, fresh),
		cmocka_unit_test_setup(test_against_list, fresh),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	routes_free(&routes);
	return failed;
}
