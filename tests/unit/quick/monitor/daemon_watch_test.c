/* When a daemon is asked, and when it hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick/monitor/daemon_watch.h"

enum { START_MS = 1000 };

static void the_first_question_is_at_once_and_then_every_half_minute(void **state)
{
	struct daemon_watch a, b;

	(void)state;
	daemon_watch_start(&a, START_MS);
	assert_int_equal(daemon_watch_next(&a), START_MS);
	assert_int_equal(daemon_watch_due(&a, START_MS - 1), DAEMON_WAIT);
	assert_int_equal(daemon_watch_due(&a, START_MS), DAEMON_ASK);
	assert_int_equal(daemon_watch_next(&a), START_MS + 10000);
	assert_int_equal(daemon_watch_due(&a, START_MS + 1), DAEMON_WAIT);
	daemon_watch_answered(&a, START_MS + 2);
	assert_int_equal(daemon_watch_next(&a), 30000);
	/* All at the same time, whenever they were started. */
	daemon_watch_start(&b, 17000);
	assert_int_equal(daemon_watch_due(&b, 17000), DAEMON_ASK);
	daemon_watch_answered(&b, 17001);
	assert_int_equal(daemon_watch_next(&b), daemon_watch_next(&a));
	assert_int_equal(daemon_watch_due(&a, 30000), DAEMON_ASK);
}

static void two_silences_in_a_row_and_it_hangs(void **state)
{
	struct daemon_watch w;

	(void)state;
	daemon_watch_start(&w, START_MS);
	assert_int_equal(daemon_watch_due(&w, START_MS), DAEMON_ASK);
	assert_int_equal(daemon_watch_due(&w, START_MS + 9999), DAEMON_WAIT);
	assert_int_equal(daemon_watch_due(&w, START_MS + 10000), DAEMON_ASK);
	assert_int_equal(daemon_watch_due(&w, START_MS + 20000), DAEMON_HUNG);
	assert_int_equal(daemon_watch_next(&w), NEVER);
	assert_int_equal(daemon_watch_due(&w, NEVER - 1), DAEMON_WAIT);
}

/* This process has no descriptor left, for example. */
static void only_the_silence_of_the_daemon_counts(void **state)
{
	struct daemon_watch w;
	uint64_t now_ms = START_MS;

	(void)state;
	daemon_watch_start(&w, now_ms);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
		daemon_watch_not_asked(&w, now_ms);
		assert_int_equal(w.silences, 0);
		now_ms = daemon_watch_next(&w);
		assert_int_equal(now_ms % DAEMON_ASK_INTERVAL_MS, 0);
	}
	/* Between two silences it is no answer either. */
	assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
	now_ms += DAEMON_ANSWER_LIMIT_MS;
	assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
	daemon_watch_not_asked(&w, now_ms);
	now_ms = daemon_watch_next(&w);
	assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
	assert_int_equal(daemon_watch_due(&w, now_ms + DAEMON_ANSWER_LIMIT_MS), DAEMON_HUNG);
}

/* It was suspended for an hour with the host, or busy. */
static void an_answer_between_them_is_enough(void **state)
{
	struct daemon_watch w;
	uint64_t now_ms = START_MS;

	(void)state;
	daemon_watch_start(&w, now_ms);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
		now_ms += 3600000;
		assert_int_equal(daemon_watch_due(&w, now_ms), DAEMON_ASK);
		daemon_watch_answered(&w, now_ms + 5);
		now_ms = daemon_watch_next(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_question_is_at_once_and_then_every_half_minute),
		cmocka_unit_test(two_silences_in_a_row_and_it_hangs),
		cmocka_unit_test(only_the_silence_of_the_daemon_counts),
		cmocka_unit_test(an_answer_between_them_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
