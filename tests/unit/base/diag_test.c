/* The printed format of diagnostics. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/diag.h"

static void emit(void *ctx, const struct diag_message *m)
{
	diag_print(ctx, m, true);
}

static void format_of_diagnostics(void **state)
{
	char buffer[1024];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct diag d = { .emit = emit, .ctx = &t };
	struct diag_at at = { .file = "wg0.conf", .line = 12, .column = 3, .width = 2,
			      .source = SPAN("a\tbc\x1b" "d") };

	(void)state;
	diag_f(&d, DIAG_ERROR, &at, "do %s", "%s %d", "bad", 5);
	assert_string_equal(buffer, "wg0.conf:12:3: error: bad 5\n  a bc?d\n    ^~\n  help: do %s\n");
	t = text_fixed(buffer, sizeof buffer);
	at.source.p = NULL;
	diag_f(&d, DIAG_WARNING, &at, NULL, "no source");
	at.column = 0;
	diag_f(&d, DIAG_NOTE, &at, NULL, "no column");
	at.line = 0;
	diag_f(&d, DIAG_NOTE, &at, NULL, "no line");
	diag_f(&d, DIAG_NOTE, NULL, NULL, "no place");
	assert_string_equal(buffer, "wg0.conf:12:3: warning: no source\nwg0.conf:12: note: no column\n"
				    "wg0.conf: note: no line\nnote: no place\n");
	assert_int_equal(d.errors, 1);
	assert_int_equal(d.warnings, 1);
}

/* A long line is printed around the column, with the caret under it. */
static void long_lines_are_shortened(void **state)
{
	char line[2000], buffer[1024];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct diag d = { .emit = emit, .ctx = &t };
	struct diag_at at = { .file = "f", .line = 1, .column = 1001, .width = 1000,
			      .source = { line, sizeof line } };
	const char *source, *caret;

	(void)state;
	memset(line, '.', sizeof line);
	line[1000] = 'X';
	diag_f(&d, DIAG_ERROR, &at, NULL, "here");
	source = strchr(buffer, '\n') + 1;
	caret = strchr(source, '\n') + 1;
	assert_true(strchr(source, 'X') - source == strchr(caret, '^') - caret);
	assert_true(strlen(caret) <= (size_t)(caret - source));
	assert_true(t.n < 400);
	at.column = 3000; /* beyond the line */
	t = text_fixed(buffer, sizeof buffer);
	diag_f(&d, DIAG_ERROR, &at, NULL, "there");
	assert_true(t.n < 400);
}

/* The caret is under the character even after wide, combining, hidden and invalid ones. */
static void carets_are_aligned_in_columns(void **state)
{
	char buffer[1024];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct diag d = { .emit = emit, .ctx = &t };
	struct diag_at at = { .file = "f\x1b", .line = 1, .width = 6, .id = "an-id" };

	(void)state;
	at.source = SPAN("\xe6\x97\xa5\t\xe2\x80\xae" "e\xcc\x81\xff\xe6\x9c\xac\xe8\xaa\x9e");
	at.column = 12;
	diag_f(&d, DIAG_ERROR, &at, NULL, "%s", "x\xe2\x80\xaey");
	assert_string_equal(buffer, "f?:1:12: error: x???y [an-id]\n"
				    "  \xe6\x97\xa5 ?e\xcc\x81?\xe6\x9c\xac\xe8\xaa\x9e\n"
				    "        ^~~~\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_of_diagnostics),
		cmocka_unit_test(long_lines_are_shortened),
		cmocka_unit_test(carets_are_aligned_in_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
