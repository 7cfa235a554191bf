/* When a tunnel is inspected, in simulated time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/monitor/schedule.h"

static void an_event_is_served_soon(void **state)
{
	struct schedule s = { .due_ms = 0 };

	(void)state;
	assert_int_equal(schedule_next(&s), NEVER);
	schedule_want(&s, 5000);
	schedule_want(&s, 5010); /* the first decides, or events without end would put it off */
	assert_int_equal(schedule_next(&s), 5000 + SCHEDULE_SETTLE_MS);
}

static void at_most_once_a_second(void **state)
{
	struct schedule s = { .due_ms = 0 };
	unsigned int runs = 0;

	(void)state;
	for (uint64_t now = 1000; now < 11000; now++) { /* an event each millisecond for ten seconds */
		schedule_want(&s, now);
		if (schedule_next(&s) > now)
			continue;
		schedule_start(&s, now);
		schedule_end(&s, SCHEDULE_DONE, now);
		runs++;
	}
	assert_int_equal(runs, 10);
}

static void events_while_it_runs_are_served_afterwards(void **state)
{
	struct schedule s = { .due_ms = 0 };

	(void)state;
	schedule_want(&s, 1000);
	schedule_start(&s, 1020);
	schedule_want(&s, 1030);
	assert_int_equal(schedule_next(&s), NEVER);
	schedule_end(&s, SCHEDULE_DONE, 3000);
	assert_int_equal(schedule_next(&s), 1020 + SCHEDULE_INTERVAL_MS);
}

static void another_process_is_not_disturbed(void **state)
{
	struct schedule s = { .due_ms = 0 };

	(void)state;
	schedule_want(&s, 1000);
	schedule_start(&s, 1020);
	schedule_end(&s, SCHEDULE_LOCKED, 1030);
	for (uint64_t now = 1040; now < 2000; now += 10)
		schedule_want(&s, now); /* `down` removes one thing after the other */
	assert_int_equal(schedule_next(&s), 1030 + SCHEDULE_INTERVAL_MS); /* in case the end of the lock is not seen */
	schedule_unlocked(&s, 1500);
	assert_int_equal(schedule_next(&s), 1020 + SCHEDULE_INTERVAL_MS);
	schedule_unlocked(&s, 1600); /* of another one: nobody waits */
	assert_int_equal(schedule_next(&s), 1020 + SCHEDULE_INTERVAL_MS);
}

static void failures_are_repeated_ever_more_rarely(void **state)
{
	struct schedule s = { .due_ms = 0 };
	uint64_t now = 1000, before = 0;

	(void)state;
	schedule_want(&s, now);
	for (int i = 0; i < 20; i++) {
		uint64_t at = schedule_next(&s);
		assert_true(at != NEVER && at - now >= before && at - now <= SCHEDULE_RETRY_MAX_MS);
		before = at - now;
		now = at;
		schedule_start(&s, now);
		schedule_end(&s, SCHEDULE_FAILED, now);
	}
	assert_int_equal(before, SCHEDULE_RETRY_MAX_MS);
	/* An hour of suspension later it is due at once. */
	now += 3600000;
	assert_true(schedule_next(&s) <= now);
	schedule_start(&s, now);
	schedule_end(&s, SCHEDULE_DONE, now);
	assert_int_equal(schedule_next(&s), NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_served_soon),
		cmocka_unit_test(at_most_once_a_second),
		cmocka_unit_test(events_while_it_runs_are_served_afterwards),
		cmocka_unit_test(another_process_is_not_disturbed),
		cmocka_unit_test(failures_are_repeated_ever_more_rarely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
