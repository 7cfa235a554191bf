/* Which messages of the kernel are about something new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick/monitor/known.h"

static bool note(struct known *k, uint64_t id, uint64_t contents, uint32_t link, bool replaces)
{
	const struct known_thing t = { .id = id, .contents = contents, .link = link };

	return known_note(k, &t, replaces);
}

static void what_is_prolonged_is_known(void **state)
{
	struct known k = { .n = 0 };

	(void)state;
	assert_true(note(&k, 1, 10, 2, true));
	for (int i = 0; i < 100; i++)
		assert_false(note(&k, 1, 10, 2, true));
	assert_int_equal(k.n, 1);
	assert_true(known_forget(&k, 1));
	assert_false(known_forget(&k, 1));
	assert_true(note(&k, 1, 10, 2, true));
}

static void other_contents_are_new_and_replace_the_old(void **state)
{
	struct known k = { .n = 0 };

	(void)state;
	assert_true(note(&k, 1, 10, 2, true));
	assert_true(note(&k, 1, 11, 2, true)); /* deprecated, for example */
	assert_false(note(&k, 1, 11, 2, true));
	assert_true(note(&k, 1, 10, 2, true));
	assert_int_equal(k.n, 1);
	/* Default routes of two routers, of which neither replaces the other. */
	assert_true(note(&k, 5, 50, 2, false));
	assert_true(note(&k, 5, 51, 2, false));
	for (int i = 0; i < 10; i++) {
		assert_false(note(&k, 5, 50, 2, false));
		assert_false(note(&k, 5, 51, 2, false));
	}
	/* One that takes the place of both. */
	assert_true(note(&k, 5, 52, 3, true));
	assert_true(note(&k, 5, 50, 2, false));
}

static void nothing_is_known_of_a_link_that_was_down(void **state)
{
	struct known k = { .n = 0 };

	(void)state;
	assert_true(note(&k, 1, 10, 2, true));
	assert_true(note(&k, 2, 10, 3, true));
	assert_true(note(&k, 3, 10, 2, true));
	known_forget_link(&k, 2);
	assert_true(note(&k, 1, 10, 2, true));
	assert_false(note(&k, 2, 10, 3, true));
	assert_true(note(&k, 3, 10, 2, true));
}

static void more_than_is_remembered_counts_as_new(void **state)
{
	struct known k = { .n = 0 };

	(void)state;
	for (uint64_t i = 1; i <= KNOWN_MAX; i++)
		assert_true(note(&k, i, 0, 2, true));
	for (uint64_t i = 1; i <= KNOWN_MAX; i++)
		assert_false(note(&k, i, 0, 2, true));
	assert_true(note(&k, KNOWN_MAX + 1, 0, 2, true));
	assert_int_equal(k.n, KNOWN_MAX);
	assert_false(note(&k, KNOWN_MAX + 1, 0, 2, true));
	assert_true(note(&k, 1, 0, 2, true));
	assert_false(note(&k, 3, 0, 2, true));
	for (uint64_t i = 1; i <= 10 * KNOWN_MAX; i++) {
		(void)note(&k, i, 1, 2, true);
		assert_in_range(k.n, 1, KNOWN_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_prolonged_is_known),
		cmocka_unit_test(other_contents_are_new_and_replace_the_old),
		cmocka_unit_test(nothing_is_known_of_a_link_that_was_down),
		cmocka_unit_test(more_than_is_remembered_counts_as_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
