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
		{ "10.9.0.2/255.255.255.0", "10.9.0.2/24", "10.9.0.0/24" },
		{ "10.9.0.2/255.255.255.255", "10.9.0.2/32", "10.9.0.2/32" },
		{ "10.9.0.2/0.0.0.0", "10.9.0.2/0", "0.0.0.0/0" },
		{ "10.9.0.2 peer 10.9.1.2/255.255.0.0", "10.9.0.2 peer 10.9.1.2/16", "10.9.0.0/16" },
		{ "fd00::1/255.255.255.0", "fd00::1/24", "fd00::/24" },
		{ "10.8.0.02/24", "10.8.0.2/24", "10.8.0.0/24" },
		{ "010.8.0.2/08", "8.8.0.2/8", "8.0.0.0/8" },
		{ "10.8.0.0x12/0X18", "10.8.0.18/24", "10.8.0.0/24" },
		{ "10.8.0.2/+24", "10.8.0.2/24", "10.8.0.0/24" },
		{ "10.8.0.2/030", "10.8.0.2/24", "10.8.0.0/24" },
		{ "10.8/24", "10.8.0.0/24", "10.8.0.0/24" },
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

/* Whether people may read it differently. */
static void octal_and_missing_numbers_are_marked(void **state)
{
	static const struct { const char *text; bool ambiguous; } cases[] = {
		{ "10.8.0.2/24", false }, { "10.8.0.02/24", false }, { "10.8.0.07/255.255.255.0", false },
		{ "fd00::010/64", false }, { "10.8.0.0x12/24", false },
		{ "10.8.0.010/24", true }, { "10.8.0.2/024", true }, { "fd00::1/064", true },
		{ "10.8.0/24", true }, { "10.8.0.2 peer 10.8.0.011/32", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span rest = span_of(cases[i].text), bad;
		struct interface_address a;
		assert_int_equal(address_next(&a, &rest, &bad), 1);
		assert_int_equal(a.ambiguous, cases[i].ambiguous);
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
		{ "10.0.0.0.0", "10.0.0.0.0" }, { "10.0.0.1/33", "10.0.0.1/33" }, { "10.0.0.09", "10.0.0.09" },
		{ "10.0.0.1/255.0.255.0", "10.0.0.1/255.0.255.0" }, { "10.0.0.1/255.255.255.256", "10.0.0.1/255.255.255.256" },
		{ "10.0.0.1/fd00::", "10.0.0.1/fd00::" }, { "10.0.0.", "10.0.0." }, { "10.0.0.-1", "10.0.0.-1" },
		{ "10.0.0.0400", "10.0.0.0400" }, { "10.0.0.0x100", "10.0.0.0x100" }, { "10.0.0.0x", "10.0.0.0x" }, { "10.0.0.1/", "10.0.0.1/" },
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
		cmocka_unit_test(octal_and_missing_numbers_are_marked),
		cmocka_unit_test(lists_are_separated_by_commas_and_blanks),
		cmocka_unit_test(the_wrong_word_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
