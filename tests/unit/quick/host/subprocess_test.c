/* Programs that are run: their status, input, output and environment. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/host/signals.h"
#include "quick/host/subprocess.h"

static int sh(const struct subprocess *like, const char *script)
{
	return subprocess_run_args(like, "sh", "-c", script, NULL);
}

static void statuses(void **state)
{
	static const struct subprocess quiet = { .quiet = true };

	(void)state;
	subprocess_status = 0;
	assert_int_equal(sh(&quiet, "exit 0"), 0);
	assert_int_equal(subprocess_status, 0);
	assert_int_equal(sh(&quiet, "exit 7"), 7);
	assert_int_equal(subprocess_status, 7);
	assert_int_equal(sh(&quiet, "kill -TERM $$"), 128 + SIGTERM);
	assert_int_equal(subprocess_run_args(&quiet, "/nonexistent/program", NULL), 127);
	assert_int_equal(subprocess_run_args(&quiet, "/dev/null", NULL), 126);
	assert_int_equal(subprocess_status, 126);
}

static void input_and_output_of_any_length(void **state)
{
	enum { SIZE = 1 << 20 }; /* far more than a pipe holds */
	char *input = malloc(SIZE);
	struct text out = text_heap();
	struct subprocess cat = { .input = SPAN("some text"), .output = &out };

	(void)state;
	assert_int_equal(subprocess_run_args(&cat, "cat", NULL), 0);
	assert_true(span_is(text_of(&out), "some text"));
	cat.input = (struct span){ 0 };
	assert_int_equal(subprocess_run_args(&cat, "head", "-c", "1048576", "/dev/zero", NULL), 0);
	assert_int_equal(out.n, 9 + SIZE);
	text_heap_free(&out);
	assert_non_null(input);
	memset(input, 'x', SIZE);
	cat = (struct subprocess){ .input = { input, SIZE }, .quiet = true };
	assert_int_equal(sh(&cat, "[ \"$(wc -c)\" = 1048576 ]"), 0);
	/* A program that does not read its input is no failure. */
	signals_watch();
	assert_int_equal(subprocess_run_args(&cat, "true", NULL), 0);
	free(input);
}

static void hooks_do_not_see_what_changes_a_shell(void **state)
{
	struct text out = text_heap();
	struct subprocess hook = { .hook = true, .output = &out };

	(void)state;
	setenv("BASH_ENV", "/etc/passwd", 1);
	setenv("LD_PRELOAD", "", 1);
	setenv("BASH_FUNC_ls%%", "() { rm; }", 1);
	setenv("KEPT", "yes", 1);
	assert_int_equal(sh(&hook, "env | grep -E '^(BASH_ENV|LD_PRELOAD|BASH_FUNC_ls%%|KEPT)='"), 0);
	assert_true(span_is(text_of(&out), "KEPT=yes\n"));
	text_heap_free(&out);
	unsetenv("BASH_ENV");
	unsetenv("BASH_FUNC_ls%%");
}

static void programs_are_found_in_path(void **state)
{
	const char *sh_path;

	(void)state;
	sh_path = subprocess_find("sh");
	assert_non_null(sh_path);
	assert_int_equal(sh_path[0], '/');
	assert_null(subprocess_find("no-such-program"));
	assert_null(subprocess_find("/etc/passwd"));
	assert_string_equal(subprocess_find("/bin/sh"), "/bin/sh");
}

static void children_have_default_signals(void **state)
{
	static const struct subprocess quiet = { .quiet = true };

	(void)state;
	signals_watch();
	raise(SIGTERM);
	assert_int_equal(stop_signal, SIGTERM);
	stop_signal = 0;
	assert_int_equal(sh(&quiet, "kill -INT $$; sleep 10"), 128 + SIGINT);
	assert_int_equal(sh(&quiet, "kill -PIPE $$; sleep 10"), 128 + SIGPIPE);
}

static int print_and_exit(void *ctx)
{
	printf("%s", (const char *)ctx);
	fflush(stdout);
	exit(3); /* as libnftables does */
}

static int crash(void *ctx)
{
	(void)ctx;
	raise(SIGKILL); /* cmocka handles SIGSEGV */
	return 0;
}

static int length_of(void *ctx)
{
	raise(SIGINT); /* the terminal sends it to both processes */
	return (int)strlen(ctx);
}

static void a_function_cannot_end_the_process(void **state)
{
	static const char *const name[] = { "a function", NULL };
	char word[] = "a word";
	struct text out = text_heap();
	struct subprocess child = { .argv = name, .function = print_and_exit, .ctx = word, .output = &out };

	(void)state;
	signals_watch();
	assert_int_equal(subprocess_run(&child), 3);
	assert_true(span_is(text_of(&out), word));
	child.function = crash;
	assert_int_equal(subprocess_run(&child), 128 + SIGKILL);
	child.function = length_of;
	assert_int_equal(subprocess_run(&child), strlen(word));
	assert_int_equal(stop_signal, 0);
	text_heap_free(&out);
}

static void output_that_is_lost_is_a_failure(void **state)
{
	char small[4];
	struct text out = text_fixed(small, sizeof small);
	struct subprocess echo = { .output = &out };

	(void)state;
	assert_int_equal(sh(&echo, "echo a line"), -ENOMEM);
	assert_int_equal(sh(&echo, "echo a line; exit 7"), 7);
}

static void a_program_that_takes_too_long_is_killed(void **state)
{
	struct text out = text_heap();
	struct subprocess limited = { .input = SPAN("text"), .output = &out, .limit_s = 60 };

	(void)state;
	assert_int_equal(sh(&limited, "cat; exit 7"), 7);
	assert_true(span_is(text_of(&out), "text"));
	limited.limit_s = 1;
	assert_int_equal(sh(&limited, "trap '' INT TERM; sleep 100 & sleep 100"), -ETIMEDOUT);
	limited = (struct subprocess){ .limit_s = 1 };
	assert_int_equal(sh(&limited, "sleep 100"), -ETIMEDOUT);
	text_heap_free(&out);
}

static void a_signal_of_before_interrupts_no_program_that_undoes(void **state)
{
	struct text out = text_heap();
	struct subprocess limited = { .limit_s = 60, .output = &out };

	(void)state;
	stop_signal = SIGINT;
	for (int i = 0; i < 10; i++)
		assert_int_equal(sh(&limited, "echo; echo; exit 7"), 7);
	stop_signal = 0;
	text_heap_free(&out);
}

static void a_program_with_a_limit_may_print_on_the_terminal(void **state)
{
	struct subprocess limited = { .limit_s = 60 };

	(void)state;
	assert_int_equal(sh(&limited, "kill -TTOU $$; exit 7"), 7);
}

static void an_interrupt_is_passed_on(void **state)
{
	struct subprocess limited = { .limit_s = 60 };

	(void)state;
	signals_watch();
	assert_int_equal(sh(&limited, "trap 'exit 9' INT; kill -INT $PPID; while :; do :; done"), 9);
	assert_int_equal(stop_signal, SIGINT);
	stop_signal = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(input_and_output_of_any_length),
		cmocka_unit_test(hooks_do_not_see_what_changes_a_shell),
		cmocka_unit_test(programs_are_found_in_path),
		cmocka_unit_test(children_have_default_signals),
		cmocka_unit_test(a_function_cannot_end_the_process),
		cmocka_unit_test(output_that_is_lost_is_a_failure),
		cmocka_unit_test(a_program_that_takes_too_long_is_killed),
		cmocka_unit_test(a_signal_of_before_interrupts_no_program_that_undoes),
		cmocka_unit_test(a_program_with_a_limit_may_print_on_the_terminal),
		cmocka_unit_test(an_interrupt_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
