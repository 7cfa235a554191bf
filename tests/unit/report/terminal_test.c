/* When there are colours, and texts that a terminal must not execute. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "report/terminal.h"

static void set(const char *name, const char *value)
{
	if (value)
		assert_int_equal(setenv(name, value, 1), 0);
	else
		assert_int_equal(unsetenv(name), 0);
}

static void colours(void **state)
{
	static const struct {
		const char *mode, *none, *setting;
		bool of_terminal, of_file, by_setting; /* the last one: of a terminal, with the setting */
	} table[] = {
		{ NULL, NULL, "", true, false, true },
		{ NULL, "1", "", false, false, false },
		{ NULL, "", "", true, false, true },
		{ "always", "1", "never", true, true, true },
		{ "never", NULL, "always", false, false, false },
		{ "auto", "1", "never", true, false, true },
		{ NULL, NULL, "never", true, false, false },
		{ NULL, "1", "always", false, false, false },
	};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), file = open("/dev/null", O_WRONLY);

	(void)state;
	assert_true(file >= 0);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		set("WG_COLOR_MODE", table[i].mode);
		set("NO_COLOR", table[i].none);
		assert_int_equal(terminal_has_colour(file), table[i].of_file);
		if (terminal < 0)
			continue; /* devpts is not mounted */
		assert_int_equal(terminal_has_colour(terminal), table[i].of_terminal);
		assert_int_equal(terminal_has_colour_by_setting(terminal, table[i].setting), table[i].by_setting);
	}
	assert_true(terminal_has_colour_by_setting(file, "always") == false); /* NO_COLOR is still set */
	set("NO_COLOR", NULL);
	assert_true(terminal_has_colour_by_setting(file, "always"));
	close(file);
	if (terminal >= 0)
		close(terminal);
}

static void plain_text(void **state)
{
	char buffer[64];
	struct text t = text_fixed(buffer, sizeof buffer);

	(void)state;
	terminal_plain(&t, SPAN("a\x1b[31m\r\n\xff\xe6\xbc\xa2\xe2\x80\xae\xc2\x9b"));
	assert_string_equal(buffer, "a?[31m???\xe6\xbc\xa2??");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(colours), cmocka_unit_test(plain_text) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
