/* Work in child processes: its output and status, and that one that is not wanted any more is waited for by nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quick/host/clock.h"
#include "quick/host/job.h"

static struct event_loop loop;

struct result {
	bool done;
	int status;
	char output[32];
};

static void note(struct job *j, int status)
{
	struct result *r = j->owner;
	struct text t = text_fixed(r->output, sizeof r->output);

	r->done = true;
	r->status = status;
	text_span(&t, text_of(&j->output));
}

static int hang(void *ctx, struct text *out)
{
	text_add(out, "never seen");
	for (;;)
		pause();
	return ctx != NULL;
}

static int print(void *ctx, struct text *out)
{
	text_add(out, ctx);
	return 7;
}

static int start(void **state)
{
	(void)state;
	return event_loop_init(&loop) < 0;
}

static int stop(void **state)
{
	(void)state;
	event_loop_free(&loop);
	return 0;
}

/* False: not within the time. */
static bool await(const bool *what)
{
	uint64_t end_ms = clock_boot_ms() + 20000;

	while (!*what && clock_boot_ms() < end_ms)
		(void)!event_loop_wait(&loop, end_ms);
	return *what;
}

static void output_and_status(void **state)
{
	static char text[] = "text";
	struct result r = { .done = false };
	struct job *j = job_new(&r, note);

	(void)state;
	assert_non_null(j);
	for (int i = 0; i < 2; i++) {
		r = (struct result){ .done = false };
		assert_int_equal(job_start(j, &loop, print, text), 0);
		assert_true(job_is_running(j));
		assert_true(await(&r.done));
		assert_false(job_is_running(j));
		assert_int_equal(r.status, 7);
		assert_string_equal(r.output, "text");
	}
	job_discard(j);
}

static bool exists(int pid)
{
	return kill(pid, 0) == 0;
}

static void one_that_hangs_is_not_waited_for(void **state)
{
	static char text[] = "other";
	struct result hanging = { .done = false }, other = { .done = false };
	struct job *j = job_new(&hanging, note), *k = job_new(&other, note);
	uint64_t end_ms = clock_boot_ms() + 20000;
	int pid;

	(void)state;
	assert_non_null(j);
	assert_non_null(k);
	assert_int_equal(job_start(j, &loop, hang, NULL), 0);
	pid = j->pid;
	job_discard(j);
	assert_true(exists(pid)); /* it goes on */
	assert_int_equal(job_start(k, &loop, print, text), 0);
	assert_true(await(&other.done));
	assert_string_equal(other.output, "other");
	/* Its end leaves nothing, and reports nothing. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (exists(pid) && clock_boot_ms() < end_ms)
		(void)!event_loop_wait(&loop, clock_boot_ms() + 10);
	assert_false(exists(pid));
	assert_false(hanging.done);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	job_discard(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(output_and_status, start, stop),
		cmocka_unit_test_setup_teardown(one_that_hangs_is_not_waited_for, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
