/* Durations and amounts, with and without colours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/units.h"

static char printed[256];
static struct text out;

static struct terminal terminal(bool colour)
{
	out = text_fixed(printed, sizeof printed);
	return (struct terminal){ .out = &out, .colour = colour };
}

static void durations(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} cases[] = {
		{ 0, "" }, { 1, "1 second" }, { 60, "1 minute" }, { 3661, "1 hour, 1 minute, 1 second" },
		{ 36 * 3600, "1 day, 12 hours" }, { 400 * 86400ull + 2, "1 year, 35 days, 2 seconds" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct terminal t = terminal(false);
		units_duration(&t, cases[i].seconds);
		assert_string_equal(printed, cases[i].text);
	}
}

static void times_ago(void **state)
{
	struct terminal t = terminal(false);

	(void)state;
	units_ago(&t, 10, 10);
	assert_string_equal(printed, "Now");
	t = terminal(false);
	units_ago(&t, 10, 12);
	assert_string_equal(printed, "2 seconds ago");
	t = terminal(false);
	units_ago(&t, 12, 10);
	assert_string_equal(printed, "(System clock wound backward; connection problems may ensue.)");
}

static void units_are_coloured(void **state)
{
	struct terminal t = terminal(true);

	(void)state;
	units_bytes(&t, 1536);
	text_char(&out, ' ');
	units_duration(&t, 2);
	assert_string_equal(printed, "1.50 \x1b[36mKiB\x1b[0m 2 \x1b[36mseconds\x1b[0m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(times_ago),
		cmocka_unit_test(units_are_coloured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
