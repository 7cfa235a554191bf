/* Which command `supervise` runs next for a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/command/supervised_tunnel.h"

static void start(struct supervised_tunnel *t, enum supervised_job want, uint64_t now_ms)
{
	assert_int_equal(supervised_next(t, false, now_ms), want);
	supervised_started(t, want, 7, 1);
	assert_int_equal(supervised_next(t, false, now_ms), JOB_NONE);
}

static void file_changes(void **state)
{
	struct supervised_tunnel t = { .wanted = true, .retry_ms = NEVER };

	(void)state;
	start(&t, JOB_UP, 0);
	t.wanted = true; /* the file changes meanwhile */
	supervised_ended(&t, 0, 10);
	assert_true(t.is_up);
	start(&t, JOB_RELOAD, 10);
	supervised_ended(&t, 0, 20);
	assert_int_equal(supervised_next(&t, false, UINT64_MAX - 1), JOB_NONE);
}

static void failures(void **state)
{
	struct supervised_tunnel t = { .wanted = true, .retry_ms = NEVER };
	uint64_t now_ms = 0, waited_ms = 0;

	(void)state;
	for (int i = 0; i < 20; i++) {
		start(&t, JOB_UP, now_ms);
		supervised_ended(&t, 1, now_ms);
		assert_int_equal(supervised_next(&t, false, now_ms), JOB_NONE);
		assert_true(t.retry_ms - now_ms >= waited_ms);
		waited_ms = t.retry_ms - now_ms;
		assert_true(waited_ms >= 1000 && waited_ms <= 300000);
		now_ms = t.retry_ms;
	}
	assert_int_equal(waited_ms, 300000);
	t.wanted = true; /* a change of the file does not wait */
	start(&t, JOB_UP, now_ms - 1);
	supervised_ended(&t, 0, now_ms);
	t.wanted = true;
	start(&t, JOB_RELOAD, now_ms);
	supervised_ended(&t, 1, now_ms);
	assert_true(t.is_up); /* as before */
	assert_int_equal(t.retry_ms, now_ms + 1000);
}

static void the_end(void **state)
{
	struct supervised_tunnel t = { .wanted = true, .retry_ms = NEVER }, never_up = t;

	(void)state;
	assert_int_equal(supervised_next(&never_up, true, 0), JOB_NONE);
	start(&t, JOB_UP, 0);
	assert_int_equal(supervised_next(&t, true, 0), JOB_NONE);
	supervised_ended(&t, 0, 0);
	assert_int_equal(supervised_next(&t, true, 0), JOB_DOWN);
	supervised_started(&t, JOB_DOWN, 7, 1);
	supervised_ended(&t, 1, 0);
	assert_int_equal(supervised_next(&t, true, UINT64_MAX - 1), JOB_NONE); /* once */
	assert_true(t.is_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_changes),
		cmocka_unit_test(failures),
		cmocka_unit_test(the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
