/* Addresses: what parses, how it prints, and the prefix of the kernel's route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/addr.h"
#include "quick/config/address.h"

static void addresses_print_as_they_were_written(void **state)
{
	static const struct { const char *text, *printed, *prefix; } cases[] = {
		{ "10.0.0.1/24", "10.0.0.1/24", "10.0.0.0/24" },
		{ "10.0.0.1", "10.0.0.1", "10.0.0.1/32" },
		{ "FD00:0::1/64", "fd00::1/64", "fd00::/64" },
		{ "fd00::1", "fd00::1", "fd00::1/128" },
		{ "10.0.0.1 peer 10.0.1.2/24", "10.0.0.1 peer 10.0.1.2/24", "10.0.1.0/24" },
		{ "10.0.0.1 PEER 10.0.1.2", "10.0.0.1 peer 10.0.1.2", "10.0.1.2/32" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span rest = span_of(cases[i].text), bad;
		struct interface_address a;
		struct ip_prefix prefix;
		char text[128];
		struct text t = text_fixed(text, sizeof text);
		assert_int_equal(address_next(&a, &rest, &bad), 1);
		address_print(&t, &a);
		assert_string_equal(text, cases[i].printed);
		prefix = address_prefix(&a);
		t = text_fixed(text, sizeof text);
		prefix_print(&t, &prefix);
		assert_string_equal(text, cases[i].prefix);
		assert_int_equal(address_next(&a, &rest, &bad), 0);
	}
}

static void lists_are_separated_by_commas_and_blanks(void **state)
{
	struct span rest = SPAN(" , 10.0.0.1/24,10.0.0.2 peer 10.0.0.3/32\tfd00::1,, "), bad;
	struct addresses list = { 0 };
	struct interface_address a;

	(void)state;
	while (address_next(&a, &rest, &bad) > 0)
		assert_true(addresses_add(&list, &a));
	assert_int_equal(list.n, 3);
	assert_true(addresses_have(&list, &list.list[2]));
	assert_false(address_equal(&list.list[0], &list.list[1]));
	addresses_free(&list);
	assert_int_equal(list.n, 0);
}

static void the_wrong_word_is_named(void **state)
{
	static const struct { const char *text, *bad; } cases[] = {
		{ "10.0.0", "10.0.0" }, { "10.0.0.1/33", "10.0.0.1/33" }, { "10.0.0.1/", "10.0.0.1/" },
		{ "fd00::1/129", "fd00::1/129" }, { "peer", "peer" }, { "10.0.0.1 peer", "peer" },
		{ "10.0.0.1/24 peer 10.0.0.2", "peer" }, { "10.0.0.1 peer fd00::1", "fd00::1" },
		{ "10.0.0.1 peer x", "x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span rest = span_of(cases[i].text), bad = { 0 };
		struct interface_address a;
		assert_int_equal(address_next(&a, &rest, &bad), -1);
		assert_true(span_is(bad, cases[i].bad));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_print_as_they_were_written),
		cmocka_unit_test(lists_are_separated_by_commas_and_blanks),
		cmocka_unit_test(the_wrong_word_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
