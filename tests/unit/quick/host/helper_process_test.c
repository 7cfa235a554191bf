/* The helper process: output and status of requests, deadlines, and that look-ups which hang hold up nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "quick/host/clock.h"
#include "quick/host/helper_process.h"

static struct event_loop loop;
static struct helper helper;
static unsigned int ended;

struct call {
	struct helper_call call;
	bool done;
	int status;
	char output[64];
};

static void note(struct helper_call *c, int status, struct span output)
{
	struct call *call = container_of(c, struct call, call);
	struct text t = text_fixed(call->output, sizeof call->output);

	call->done = true;
	call->status = status;
	text_span(&t, output);
}

static void note_end(struct helper *h)
{
	(void)h;
	ended++;
}

/* In the child process. */
static int work(void *ctx, const char *request, struct text *output)
{
	if (strcmp(request, "hang") == 0)
		pause();
	if (strcmp(request, "die") == 0)
		abort();
	if (strcmp(request, "end helper") == 0)
		kill(getppid(), SIGKILL);
	text_f(output, "%s %s", (const char *)ctx, request);
	return (int)strlen(request);
}

static void await(const struct call *c)
{
	uint64_t end_ms = clock_boot_ms() + 20000;

	while (!c->done && clock_boot_ms() < end_ms)
		(void)!event_loop_wait(&loop, end_ms);
	assert_true(c->done);
}

static int start(void **state)
{
	static char context[] = "did";

	(void)state;
	helper.ended = note_end;
	ended = 0;
	return event_loop_init(&loop) < 0 || helper_start(&helper, &loop, work, context) < 0;
}

static int stop(void **state)
{
	(void)state;
	helper_stop(&helper);
	event_loop_free(&loop);
	return 0;
}

static void each_request_has_its_result(void **state)
{
	struct call calls[20] = { { .done = false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		char request[8] = "aaaaaaa";
		request[i % 7 + 1] = '\0';
		calls[i].call.done = note;
		assert_int_equal(helper_call(&helper, &calls[i].call, i % 2 ? HELPER_LOOK_UP : HELPER_TUNNEL, 10, request), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		await(&calls[i]);
		assert_int_equal(calls[i].status, i % 7 + 1);
		assert_int_equal(strlen(calls[i].output), i % 7 + 5);
		assert_int_equal(calls[i].call.id, 0);
	}
}

static void what_takes_too_long_or_dies_has_failed(void **state)
{
	struct call hangs = { .call.done = note }, dies = { .call.done = note };

	(void)state;
	assert_int_equal(helper_call(&helper, &hangs.call, HELPER_TUNNEL, 1, "hang"), 0);
	assert_int_equal(helper_call(&helper, &dies.call, HELPER_TUNNEL, 10, "die"), 0);
	await(&dies);
	assert_int_equal(dies.status, -1);
	assert_false(hangs.done);
	await(&hangs);
	assert_int_equal(hangs.status, -1);
}

static void look_ups_that_hang_hold_up_nothing_else(void **state)
{
	struct call hanging[40] = { { .done = false } }, other = { .call.done = note };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hanging); i++) {
		hanging[i].call.done = note;
		assert_int_equal(helper_call(&helper, &hanging[i].call, HELPER_LOOK_UP, 60, "hang"), 0);
	}
	assert_int_equal(helper_call(&helper, &other.call, HELPER_TUNNEL, 10, "x"), 0);
	await(&other);
	assert_string_equal(other.output, "did x");
	for (size_t i = 0; i < ARRAY_LEN(hanging); i++) {
		assert_false(hanging[i].done);
		helper_forget(&helper, &hanging[i].call);
	}
	assert_null(helper.calls);
}

static void its_end_fails_all_calls(void **state)
{
	struct call hangs = { .call.done = note }, ends = { .call.done = note };

	(void)state;
	assert_int_equal(helper_call(&helper, &hangs.call, HELPER_LOOK_UP, 60, "hang"), 0);
	assert_int_equal(helper_call(&helper, &ends.call, HELPER_TUNNEL, 60, "end helper"), 0);
	await(&hangs);
	assert_int_equal(hangs.status, -1);
	assert_int_equal(ends.status, -1);
	assert_int_equal(ended, 1);
	assert_int_equal(helper_call(&helper, &hangs.call, HELPER_LOOK_UP, 60, "x"), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_request_has_its_result, start, stop),
		cmocka_unit_test_setup_teardown(what_takes_too_long_or_dies_has_failed, start, stop),
		cmocka_unit_test_setup_teardown(look_ups_that_hang_hold_up_nothing_else, start, stop),
		cmocka_unit_test_setup_teardown(its_end_fails_all_calls, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
