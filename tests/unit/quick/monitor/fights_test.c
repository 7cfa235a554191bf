/* Fights over one thing, in simulated time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/monitor/fights.h"

enum { RULE = 1, ROUTE };
#define PAUSE_MS 300000ull

static void three_repairs_within_a_minute_pause(void **state)
{
	struct fights f = { .n = 0 };

	(void)state;
	assert_false(fights_note(&f, RULE, 1000, PAUSE_MS));
	assert_false(fights_note(&f, RULE, 30000, PAUSE_MS));
	assert_false(fights_note(&f, ROUTE, 30500, PAUSE_MS)); /* each thing for itself */
	assert_int_equal(fights_next(&f), NEVER);
	assert_true(fights_note(&f, RULE, 60000, PAUSE_MS));
	assert_true(fights_is_paused(&f, RULE, 60001));
	assert_false(fights_is_paused(&f, ROUTE, 60001));
	assert_false(fights_note(&f, RULE, 60002, PAUSE_MS)); /* one warning */
	assert_int_equal(fights_next(&f), 60000 + PAUSE_MS);
	assert_false(fights_end(&f, 60000 + PAUSE_MS - 1));
	assert_true(fights_end(&f, 60000 + PAUSE_MS));
	assert_false(fights_is_paused(&f, RULE, 60000 + PAUSE_MS));
	assert_int_equal(fights_next(&f), NEVER);
	/* It begins again. */
	assert_false(fights_note(&f, RULE, 400000, PAUSE_MS));
	assert_false(fights_note(&f, RULE, 401000, PAUSE_MS));
	assert_true(fights_note(&f, RULE, 402000, PAUSE_MS));
}

static void slow_repairs_never_pause(void **state)
{
	struct fights f = { .n = 0 };

	(void)state;
	for (uint64_t at = 1000; at < 100 * 31000; at += 31000)
		assert_false(fights_note(&f, RULE, at, PAUSE_MS));
}

/* The host slept for an hour between two repairs. */
static void suspension_ends_pauses(void **state)
{
	struct fights f = { .n = 0 };
	const uint64_t hour_ms = 3600000;

	(void)state;
	assert_false(fights_note(&f, RULE, 1000, PAUSE_MS));
	assert_false(fights_note(&f, RULE, 2000, PAUSE_MS));
	assert_false(fights_note(&f, RULE, 2000 + hour_ms, PAUSE_MS));
	assert_false(fights_note(&f, RULE, 3000 + hour_ms, PAUSE_MS));
	assert_true(fights_note(&f, RULE, 4000 + hour_ms, PAUSE_MS));
	assert_true(fights_end(&f, 4000 + 2 * hour_ms));
}

static void the_oldest_thing_is_discarded(void **state)
{
	struct fights f = { .n = 0 };

	(void)state;
	assert_false(fights_note(&f, 1000, 1, PAUSE_MS));
	assert_false(fights_note(&f, 1000, 2, PAUSE_MS));
	assert_true(fights_note(&f, 1000, 3, PAUSE_MS)); /* a pause is kept: it ends later than all of the others were */
	for (uint64_t i = 0; i < 10 * FIGHT_THINGS; i++)
		assert_false(fights_note(&f, i, 10 + i, PAUSE_MS));
	assert_int_equal(f.n, FIGHT_THINGS);
	assert_true(fights_is_paused(&f, 1000, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_repairs_within_a_minute_pause),
		cmocka_unit_test(slow_repairs_never_pause),
		cmocka_unit_test(suspension_ends_pauses),
		cmocka_unit_test(the_oldest_thing_is_discarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
