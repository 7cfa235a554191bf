/* The form of each kind of message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "report/diagnostics.h"
#include "report/output.h"
#include "report/report.h"
#include "report/trace.h"

static char printed[16384];
static int saved_stderr, capture[2];

static void capture_begin(void)
{
	saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(pipe(capture), 0);
	dup2(capture[1], STDERR_FILENO);
	close(capture[1]);
}

/* What was written to standard error since capture_begin(). */
static const char *capture_end(void)
{
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = read(capture[0], printed, sizeof printed - 1);
	close(capture[0]);
	assert_true(n >= 0);
	printed[n] = '\0';
	return printed;
}

static void messages(void **state)
{
	(void)state;
	report_set_program("wg-quick");
	report_set_interface(NULL);
	capture_begin();
	report_error("cannot do %d", 1);
	report_warning("did not do %s", "it");
	report_set_interface("wg0");
	report_error("cannot do %d", 1);
	report_warning("did not do %s", "it");
	report_help("run it again");
	assert_string_equal(capture_end(), "wg-quick: cannot do 1\n"
					   "wg-quick: warning: did not do it\n"
					   "wg-quick: wg0: cannot do 1\n"
					   "wg-quick: wg0: warning: did not do it\n"
					   "  help: run it again\n");
}

static void upstream_texts_have_no_interface(void **state)
{
	(void)state;
	report_set_interface("wg0");
	capture_begin();
	report_upstream("`%s' already exists", "wg0");
	report_verbatim("Warning: `%s' is world accessible", "x");
	assert_string_equal(capture_end(), "wg-quick: `wg0' already exists\n"
					   "Warning: `x' is world accessible\n");
}

static void a_long_message_is_cut_and_ends_with_a_newline(void **state)
{
	static char text[10000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof text - 1);
	capture_begin();
	report_error("%s", text);
	line = capture_end();
	assert_int_equal(strlen(line), 8191);
	assert_int_equal(line[8190], '\n');
	assert_int_equal(line[8189], 'x');
}

static void diagnostics_are_sorted_by_line(void **state)
{
	struct diagnostics all;
	struct diag d = { .emit = diagnostics_collect, .ctx = &all };
	struct diag_at second = { .file = "wg0.conf", .line = 2, .column = 1, .width = 3, .source = span_of("Key") };
	struct diag_at first = { .file = "wg0.conf", .line = 1, .column = 2 };

	(void)state;
	diagnostics_init(&all);
	diag_f(&d, DIAG_ERROR, &second, "write PublicKey", "unknown key");
	diag_f(&d, DIAG_WARNING, &first, NULL, "AllowedIP has nonzero host part: 10.0.0.1/24");
	diag_f(&d, DIAG_ERROR, &first, NULL, "no value");
	capture_begin();
	diagnostics_print(&all);
	assert_string_equal(capture_end(), "Warning: AllowedIP has nonzero host part: 10.0.0.1/24\n"
					   "wg0.conf:1:2: error: no value\n"
					   "wg0.conf:2:1: error: unknown key\n"
					   "  Key\n"
					   "  ^~~\n"
					   "  help: write PublicKey\n");
}

static void diagnostics_without_a_file(void **state)
{
	struct diag d = { .emit = report_diag };

	(void)state;
	report_set_interface("wg0");
	capture_begin();
	diag_f(&d, DIAG_ERROR, NULL, "try again", "host not found");
	diag_f(&d, DIAG_WARNING, NULL, NULL, "host not found");
	assert_string_equal(capture_end(), "wg-quick: wg0: host not found\n"
					   "  help: try again\n"
					   "wg-quick: wg0: warning: host not found\n");
}

static void the_trace_is_written_in_one_piece(void **state)
{
	struct command_trace trace;

	(void)state;
	command_trace_init(&trace, STDERR_FILENO);
	capture_begin();
	text_add(&trace.t, "[#] ip link add dev wg0 type wireguard\n");
	assert_int_equal(report_write(STDERR_FILENO, "before\n", 7), 0);
	text_add(&trace.t, "[#] ip link set up dev wg0\n");
	command_trace_flush(&trace);
	trace.silent = true;
	text_add(&trace.t, "[#] true\n");
	command_trace_free(&trace);
	assert_string_equal(capture_end(), "before\n"
					   "[#] ip link add dev wg0 type wireguard\n"
					   "[#] ip link set up dev wg0\n");
	assert_int_equal(trace.error, 0);
}

static void an_error_of_writing_is_kept(void **state)
{
	struct command_trace trace;

	(void)state;
	command_trace_init(&trace, -1);
	text_add(&trace.t, "[#] true\n");
	command_trace_free(&trace);
	assert_true(trace.error < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(upstream_texts_have_no_interface),
		cmocka_unit_test(a_long_message_is_cut_and_ends_with_a_newline),
		cmocka_unit_test(diagnostics_are_sorted_by_line),
		cmocka_unit_test(diagnostics_without_a_file),
		cmocka_unit_test(the_trace_is_written_in_one_piece),
		cmocka_unit_test(an_error_of_writing_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
