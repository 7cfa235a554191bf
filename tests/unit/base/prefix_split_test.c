/* The prefixes that remain of a prefix without some addresses: compared address by address, and their properties for
 * random prefixes and addresses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "base/prefix_split.h"
#include "../../lib/sample.h"

enum { CAP = 1024 };

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;

	assert_true(prefix_parse(&p, span_of(text), NULL));
	return p;
}

static const char *split_text(const char *from, const char *except)
{
	static char buffer[8192];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct ip_prefix out[CAP], p = prefix(from);
	struct ip_addr a[8];
	struct span rest = span_of(except), word;
	size_t n = 0, pieces;

	while (rest.n > 0 && span_next(&word, &rest, ' '))
		assert_true(ip_parse(&a[n++], word));
	pieces = prefix_split(out, CAP, &p, a, n);
	assert_true(pieces <= CAP);
	for (size_t i = 0; i < pieces; i++) {
		text_add(&t, i > 0 ? " " : "");
		prefix_print(&t, &out[i]);
	}
	assert_false(t.failed);
	return buffer;
}

static void examples(void **state)
{
	(void)state;
	assert_string_equal(split_text("10.0.0.0/30", "10.0.0.1"), "10.0.0.0/32 10.0.0.2/31");
	assert_string_equal(split_text("10.0.0.0/30", "10.0.0.0 10.0.0.3"), "10.0.0.1/32 10.0.0.2/32");
	assert_string_equal(split_text("10.0.0.0/30", "10.0.0.4"), "10.0.0.0/30");
	assert_string_equal(split_text("10.0.0.0/30", "::1"), "10.0.0.0/30");
	assert_string_equal(split_text("10.0.0.0/31", "10.0.0.0 10.0.0.1"), "");
	assert_string_equal(split_text("10.1.2.3/32", "10.1.2.3"), "");
	assert_string_equal(split_text("0.0.0.0/0", ""), "0.0.0.0/0");
	assert_string_equal(split_text("0.0.0.0/29", "255.255.255.255"), "0.0.0.0/29");
	assert_string_equal(split_text("fd00::/126", "fd00::2"), "fd00::/127 fd00::3/128");
	assert_string_equal(split_text("10.0.0.0/8", "10.1.2.3"),
			    "10.0.0.0/16 10.1.0.0/23 10.1.2.0/31 10.1.2.2/32 10.1.2.4/30 10.1.2.8/29 10.1.2.16/28 "
			    "10.1.2.32/27 10.1.2.64/26 10.1.2.128/25 10.1.3.0/24 10.1.4.0/22 10.1.8.0/21 10.1.16.0/20 "
			    "10.1.32.0/19 10.1.64.0/18 10.1.128.0/17 10.2.0.0/15 10.4.0.0/14 10.8.0.0/13 10.16.0.0/12 "
			    "10.32.0.0/11 10.64.0.0/10 10.128.0.0/9");
}

static struct ip_addr random_address(uint32_t *seed, uint8_t family)
{
	struct ip_addr a = { .family = family };

	for (unsigned int i = 0; i < ip_bytes(&a); i++)
		a.b[i] = (uint8_t)next_random(seed);
	return a;
}

/* Inside the prefix, often at its ends. */
static struct ip_addr random_inside(uint32_t *seed, const struct ip_prefix *p)
{
	struct ip_addr a = random_address(seed, p->addr.family);
	unsigned int kind = next_random(seed) % 8;

	for (unsigned int i = 0; i < ip_bytes(&a); i++) {
		uint8_t host = i < p->bits / 8u ? 0 : i > p->bits / 8u ? 0xff : (uint8_t)(0xff >> p->bits % 8);
		uint8_t bits = kind == 0 ? 0 : kind == 1 ? 0xff : a.b[i];
		a.b[i] = (uint8_t)(p->addr.b[i] | (bits & host));
	}
	return a;
}

static bool one_contains(const struct ip_prefix *list, size_t n, const struct ip_addr *a)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += prefix_contains(&list[i], a);
	assert_true(found <= 1); /* disjoint */
	return found == 1;
}

/* Whether both are the halves of one prefix. */
static bool are_siblings(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_prefix parents[2];

	return a->bits == b->bits && a->bits > 0 && prefix_make(&parents[0], &a->addr, a->bits - 1u) &&
	       prefix_make(&parents[1], &b->addr, b->bits - 1u) && prefix_equal(&parents[0], &parents[1]);
}

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(((const struct ip_addr *)a)->b, ((const struct ip_addr *)b)->b, 16);
}

static size_t count_distinct(struct ip_addr *a, size_t n)
{
	size_t distinct = 0;

	qsort(a, n, sizeof *a, compare_addresses);
	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || !ip_equal(&a[i], &a[i - 1]);
	return distinct;
}

/* The number of addresses, modulo 2^64, which is exact for all sums of sizes that are compared. */
static uint64_t size_of(const struct ip_prefix *p)
{
	unsigned int host = ip_bits(&p->addr) - p->bits;

	return host < 64 ? 1ull << host : 0;
}

static void properties_of_random_splits(void **state)
{
	uint32_t seed = sample_seed(11);

	(void)state;
	for (int round = 0; round < sample_rounds(20000); round++) {
		const uint8_t family = round % 2 ? IP_V6 : IP_V4;
		struct ip_prefix p, out[CAP];
		struct ip_addr except[4], a = random_address(&seed, family);
		size_t n = next_random(&seed) % (ARRAY_LEN(except) + 1), pieces;
		uint64_t size = 0;
		assert_true(prefix_make(&p, &a, next_random(&seed) % (ip_bits(&a) + 1)));
		for (size_t i = 0; i < n; i++)
			except[i] = random_inside(&seed, &p);
		pieces = prefix_split(out, CAP, &p, except, n);
		assert_true(pieces <= CAP);
		for (size_t i = 0; i < pieces; i++) {
			struct ip_prefix masked;
			assert_true(prefix_covers(&p, &out[i]));
			assert_true(prefix_make(&masked, &out[i].addr, out[i].bits));
			assert_memory_equal(masked.addr.b, out[i].addr.b, 16); /* no host bits */
			if (i > 0) { /* in order and minimal: none can be joined */
				assert_true(memcmp(out[i - 1].addr.b, out[i].addr.b, 16) < 0);
				assert_false(are_siblings(&out[i - 1], &out[i]));
			}
			size += size_of(&out[i]);
		}
		/* Of one address, one piece for each bit. */
		assert_true(n != 1 || pieces == ip_bits(&a) - p.bits);
		/* The pieces have neither more nor fewer addresses than the prefix without them. */
		for (size_t i = 0; i < n; i++)
			assert_false(one_contains(out, pieces, &except[i]));
		for (int i = 0; i < 16; i++) {
			struct ip_addr inside = random_inside(&seed, &p);
			bool excepted = false;
			for (size_t k = 0; k < n; k++)
				excepted |= ip_equal(&inside, &except[k]);
			assert_int_equal(one_contains(out, pieces, &inside), !excepted);
		}
		assert_true(size == size_of(&p) - count_distinct(except, n));
	}
}

static void no_more_than_the_capacity(void **state)
{
	struct ip_prefix out[5], p = prefix("10.0.0.0/8");
	struct ip_addr a;

	(void)state;
	assert_true(ip_parse(&a, SPAN("10.1.2.3")));
	memset(out, 0xee, sizeof out);
	assert_int_equal(prefix_split(out, 4, &p, &a, 1), 5);
	assert_int_equal(out[4].bits, 0xee);
	assert_int_equal(prefix_split(out, 0, &p, &a, 1), 1);
	p = prefix("10.1.2.0/28");
	assert_int_equal(prefix_split(out, 4, &p, &a, 1), 4);
	assert_int_equal(prefix_split(NULL, 0, &p, &a, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(properties_of_random_splits),
		cmocka_unit_test(no_more_than_the_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
