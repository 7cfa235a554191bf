/* Sets of addresses against a slow twin: one bit for each address of a small universe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prefix_set.h"

enum { BITS_MAX = 6 }; /* of the universe: 64 addresses */

/* The universe are the last `open` bits of an address of this family, below a base. */
struct universe {
	uint8_t family;
	unsigned int open;
};

static struct ip_prefix prefix_at(const struct universe *u, unsigned int address, unsigned int bits_open)
{
	static const uint8_t v4[4] = { 10, 9, 8, 64 }, v6[16] = { 0xfd, 7, [15] = 64 };
	struct ip_addr a = u->family == IP_V4 ? ip_v4(v4) : ip_v6(v6);
	struct ip_prefix p;

	a.b[ip_bytes(&a) - 1] |= (uint8_t)address;
	assert_true(prefix_make(&p, &a, ip_bits(&a) - bits_open));
	return p;
}

static uint64_t bits_of(const struct universe *u, const struct ip_prefix *p)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < 1u << u->open; i++) {
		struct ip_prefix one = prefix_at(u, i, 0);
		if (prefix_contains(p, &one.addr))
			bits |= 1ull << i;
	}
	return bits;
}

static uint64_t bits_of_set(const struct universe *u, const struct prefix_set *s)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < s->n; i++)
		bits |= bits_of(u, &s->list[i]);
	return bits;
}

/* The fewest prefixes with these addresses: a whole block is one, any other is that of its halves. */
static size_t fewest(uint64_t bits, unsigned int from, unsigned int open)
{
	uint64_t block = (open == BITS_MAX ? UINT64_MAX : (1ull << (1u << open)) - 1) << from;

	if ((bits & block) == 0)
		return 0;
	if ((bits & block) == block)
		return 1;
	return fewest(bits, from, open - 1) + fewest(bits, from + (1u << (open - 1)), open - 1);
}

static void assert_minimal_and_sorted(const struct universe *u, const struct prefix_set *s, uint64_t expected)
{
	assert_true(bits_of_set(u, s) == expected);
	assert_int_equal(s->n, fewest(expected, 0, u->open));
	for (size_t i = 1; i < s->n; i++)
		assert_true(memcmp(s->list[i - 1].addr.b, s->list[i].addr.b, 16) < 0);
}

/* The addresses as a set, each of them alone. */
static struct prefix_set set_of(const struct universe *u, uint64_t bits)
{
	struct prefix_set s = { 0 };

	for (unsigned int i = 0; i < 1u << u->open; i++) {
		struct ip_prefix one = prefix_at(u, i, 0);
		if (bits >> i & 1)
			assert_true(prefix_set_append(&s, &one));
	}
	prefix_set_normalize(&s);
	assert_minimal_and_sorted(u, &s, bits);
	return s;
}

static void subtract(const struct universe *u, const struct prefix_set *a, const struct prefix_set *b, uint64_t expected)
{
	struct prefix_set out = { 0 };

	for (size_t i = 0; i < a->n; i++)
		assert_true(prefix_set_subtract(&out, &a->list[i], b));
	assert_minimal_and_sorted(u, &out, expected);
	prefix_set_free(&out);
}

/* All pairs of sets of 8 addresses. */
static void every_pair_of_small_sets(void **state)
{
	static const struct universe universes[] = { { IP_V4, 3 }, { IP_V6, 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(universes); i++) {
		const struct universe *u = &universes[i];
		static struct prefix_set sets[256];
		for (unsigned int a = 0; a < 256; a++)
			sets[a] = set_of(u, a);
		for (unsigned int a = 0; a < 256; a++)
			for (unsigned int b = 0; b < 256; b++)
				subtract(u, &sets[a], &sets[b], a & ~b);
		for (unsigned int a = 0; a < 256; a++)
			prefix_set_free(&sets[a]);
	}
}

/* All sets of the 7 prefixes of 4 addresses, which overlap. */
static void every_set_of_overlapping_prefixes(void **state)
{
	const struct universe u = { IP_V4, 2 };
	struct ip_prefix all[7];
	size_t n = 0;

	(void)state;
	for (unsigned int open = 0; open <= 2; open++)
		for (unsigned int a = 0; a < 4; a += 1u << open)
			all[n++] = prefix_at(&u, a, open);
	for (unsigned int chosen = 0; chosen < 128; chosen++) {
		struct prefix_set s = { 0 };
		uint64_t bits = 0;
		for (size_t i = 0; i < n; i++)
			if (chosen >> i & 1) {
				assert_true(prefix_set_append(&s, &all[i]));
				bits |= bits_of(&u, &all[i]);
			}
		prefix_set_normalize(&s);
		assert_minimal_and_sorted(&u, &s, bits);
		for (size_t i = 0; i < n; i++) {
			uint64_t one = bits_of(&u, &all[i]);
			assert_int_equal(prefix_set_covers(&s, &all[i]), (bits & one) == one);
			assert_int_equal(prefix_set_overlaps(&s, &all[i]), (bits & one) != 0);
		}
		prefix_set_free(&s);
	}
}

static uint64_t random_word(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

/* Prefixes of 64 addresses, of both families in one set. */
static void random_sets(void **state)
{
	static const struct universe universes[] = { { IP_V4, BITS_MAX }, { IP_V6, BITS_MAX } };
	uint64_t seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct prefix_set without = { 0 };
		uint64_t bits[2] = { 0 };
		for (unsigned int n = (unsigned int)(random_word(&seed) % 12); n > 0; n--) {
			size_t v6 = random_word(&seed) % 2;
			unsigned int open = (unsigned int)(random_word(&seed) % (BITS_MAX + 1));
			struct ip_prefix p = prefix_at(&universes[v6], (unsigned int)(random_word(&seed) % 64), open);
			assert_true(prefix_set_append(&without, &p));
			bits[v6] |= bits_of(&universes[v6], &p);
		}
		prefix_set_normalize(&without);
		for (size_t v6 = 0; v6 < 2; v6++) {
			unsigned int open = (unsigned int)(random_word(&seed) % (BITS_MAX + 1));
			struct ip_prefix p = prefix_at(&universes[v6], (unsigned int)(random_word(&seed) % 64), open);
			struct prefix_set one = { 0 };
			assert_true(prefix_set_append(&one, &p));
			subtract(&universes[v6], &one, &without, bits_of(&universes[v6], &p) & ~bits[v6]);
			prefix_set_free(&one);
		}
		prefix_set_free(&without);
	}
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix p;

	assert_true(prefix_parse(&p, span_of(text), NULL));
	return p;
}

/* 128 prefixes for one IPv6 address, 32 for one of IPv4; all of one family. */
static void one_address_of_all(void **state)
{
	static const struct { const char *all, *one; size_t n; } cases[] = {
		{ "0.0.0.0/0", "192.0.2.1", 32 }, { "::/0", "2001:db8::1", 128 }, { "0.0.0.0/0", "0.0.0.0/0", 0 },
		{ "0.0.0.0/0", "::/0", 1 }, { "10.0.0.0/8", "0.0.0.0/0", 0 }, { "10.0.0.1/32", "10.0.0.0/31", 0 },
		{ "::/0", "8000::/1", 1 }, { "10.0.0.0/8", "11.0.0.0/8", 1 }, { "255.255.255.254/31", "255.255.255.255", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_prefix all = prefix_of(cases[i].all), one = prefix_of(cases[i].one);
		struct prefix_set without = { 0 }, out = { 0 };
		assert_true(prefix_set_append(&without, &one));
		prefix_set_normalize(&without);
		assert_true(prefix_set_subtract(&out, &all, &without));
		assert_int_equal(out.n, cases[i].n);
		for (size_t k = 0; k < out.n; k++)
			assert_true(prefix_covers(&all, &out.list[k]) && !prefix_set_overlaps(&without, &out.list[k]));
		prefix_set_free(&without);
		prefix_set_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_small_sets),
		cmocka_unit_test(every_set_of_overlapping_prefixes),
		cmocka_unit_test(random_sets),
		cmocka_unit_test(one_address_of_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
