/* wgsuite.ini as iniparser reads it: values arrive, and a wrong line fails with its number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/settings_file.h"

static char path[64];
static unsigned int line_of_first;

static void note(void *ctx, const struct diag_message *m)
{
	(void)ctx;
	if (!line_of_first)
		line_of_first = m->at.line;
}

static int read_text(struct settings *out, const char *text)
{
	struct diag d = { .emit = note };
	int fd, r;

	memcpy(path, "/tmp/settings_file_test.XXXXXX", 31);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	line_of_first = 0;
	r = settings_load(out, path, &d);
	assert_true((r == 0) == (d.errors == 0));
	unlink(path);
	return r;
}

static void values(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(read_text(&s, "# x\n[backend]\nprogram = /opt/my wg ; why\n[DNS]\nBackend=file\n"
				       "[wireguardd]\nlog-level = \"error\"\nthreads = 8\naffinity = cpu\n"), 0);
	assert_string_equal(s.program, "/opt/my wg");
	assert_string_equal(s.dns, "file");
	assert_string_equal(s.log_level, "error");
	assert_string_equal(s.threads, "8");
	assert_string_equal(s.affinity, "cpu");
	assert_string_equal(s.firewall, "");
	assert_int_equal(read_text(&s, ""), 0);
}

static void missing_file_is_no_error(void **state)
{
	struct settings s;
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(settings_load(&s, "/nonexistent/wgsuite.ini", &d), 0);
	assert_int_equal(d.errors, 0);
}

static void errors_have_lines(void **state)
{
	static const struct { const char *text; unsigned int line; } cases[] = {
		{ "backend = file\n", 1 },
		{ "[dns]\nbackend = fil\n", 2 },
		{ "[dns]\n\nbackend =\n", 3 },
		{ "[dns]\nbakend = file\n", 2 },
		{ "[dns]\nbackend = file\n[dns]\nbackend = none\n", 4 },
		{ "[nonsense]\nx = 1\n", 1 },
		{ "[dns\nbackend = file\n", 1 },
		{ "[dns]\nbackend\n", 2 },
		{ "[wireguardd]\nthreads = -1\n", 2 },
		{ "[wireguardd]\nthreads = 65\n", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct settings s;
		assert_int_not_equal(read_text(&s, cases[i].text), 0);
		assert_int_equal(line_of_first, cases[i].line);
	}
}

static void long_lines_are_refused(void **state)
{
	char text[2000];
	struct settings s;

	(void)state;
	memcpy(text, "[dns]\n#", 7);
	memset(text + 7, 'x', sizeof text - 8);
	text[sizeof text - 1] = '\0';
	assert_int_not_equal(read_text(&s, text), 0); /* iniparser's limit, said rather than cut */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(missing_file_is_no_error),
		cmocka_unit_test(errors_have_lines),
		cmocka_unit_test(long_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
