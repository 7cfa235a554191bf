/* Hooks run in the environment that wireguard-tools gives them, whatever their length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/vector.h"
#include "quick/host/fileio.h"
#include "quick/host/hooks.h"
#include "report/report.h"

static char out_path[] = "/tmp/hooks_test.XXXXXX";

static void assert_output(const char *expected)
{
	struct text t = text_heap();

	assert_int_equal(fileio_read(out_path, &t), 0);
	assert_true(span_is(text_of(&t), expected));
	text_heap_free(&t);
}

static void variables_and_arguments(void **state)
{
	char *arguments[] = { (char[]){ "up" }, (char[]){ "wg0" }, NULL };

	(void)state;
	hook_arguments = arguments;
	assert_int_equal(hook_run("echo %i $INTERFACE $CONFIG_FILE $PROGRAM \"${ARGS[@]}\" $# > $OUT", "wg7", "", "/x/wg7.conf"),
			 0);
	assert_output("wg7 wg7 /x/wg7.conf wg-quick up wg0 0\n");
	hook_arguments = NULL;
}

static void a_hook_is_a_line_of_a_function(void **state)
{
	(void)state;
	assert_int_equal(hook_run("x=1; cmd true; echo $x > $OUT; exit 3", "wg7", "", NULL), 3);
	assert_output("1\n");
	assert_int_equal(hook_run("false; echo not reached > $OUT", "wg7", "", NULL), 1);
	assert_output("1\n");
	assert_int_equal(hook_run("die expected", "wg7", "", NULL), 1);
	assert_int_equal(hook_run("", "wg7", "", NULL), 0);
}

static void long_hooks(void **state)
{
	enum { LENGTH = 300000 };
	char *hook = malloc(LENGTH + 32);

	(void)state;
	assert_non_null(hook);
	memset(hook, ' ', LENGTH);
	memcpy(hook, "x=1;", 4);
	memcpy(hook + LENGTH, "echo $x > $OUT", 15);
	assert_int_equal(hook_run(hook, "wg7", "", NULL), 0);
	assert_output("1\n");
	free(hook);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_and_arguments),
		cmocka_unit_test(a_hook_is_a_line_of_a_function),
		cmocka_unit_test(long_hooks),
	};
	int fd = mkstemp(out_path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	setenv("OUT", out_path, 1);
	report_set_program("wg-quick");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(out_path);
	return failed;
}
