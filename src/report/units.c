/* Units of time from years to seconds, and binary prefixes up to TiB. */
#include "units.h"

#include <time.h>

static const struct unit {
	const char *name;
	uint64_t seconds;
} units[] = {
	{ "year", 365 * 24 * 3600 }, { "day", 24 * 3600 }, { "hour", 3600 }, { "minute", 60 },
	{ "second", 1 },
};

void units_duration(const struct terminal *t, uint64_t seconds)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (n == 0)
			continue;
		if (!first)
			text_add(t->out, ", ");
		first = false;
		text_u64(t->out, n);
		text_char(t->out, ' ');
		terminal_style(t, STYLE_CYAN);
		text_add(t->out, units[i].name);
		if (n != 1)
			text_char(t->out, 's');
		terminal_style(t, STYLE_NONE);
	}
}

void units_ago(const struct terminal *t, uint64_t then_s, uint64_t now_s)
{
	if (then_s == now_s) {
		text_add(t->out, "Now");
	} else if (then_s < now_s) {
		units_duration(t, now_s - then_s);
		text_add(t->out, " ago");
	} else {
		text_char(t->out, '(');
		terminal_styled(t, STYLE_RED, "System clock wound backward; connection problems may ensue.");
		text_char(t->out, ')');
	}
}

/* v / 2^shift with two decimals, rounded as by printf(3): to nearest, ties to even. */
static void print_fraction(struct text *t, uint64_t v, unsigned int shift)
{
	uint64_t mask = ((uint64_t)1 << shift) - 1, half = (uint64_t)1 << (shift - 1);
	uint64_t whole = v >> shift, scaled = (v & mask) * 100, hundredths = scaled >> shift;
	uint64_t rest = scaled & mask;

	if (rest > half || (rest == half && (hundredths & 1)))
		hundredths++;
	whole += hundredths / 100;
	hundredths %= 100;
	text_u64(t, whole);
	text_char(t, '.');
	text_char(t, (char)('0' + hundredths / 10));
	text_char(t, (char)('0' + hundredths % 10));
}

void units_bytes(const struct terminal *t, uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int power = 0;

	while (power + 1 < ARRAY_LEN(names) && bytes >> (10 * (power + 1)) != 0)
		power++;
	if (power == 0)
		text_u64(t->out, bytes);
	else
		print_fraction(t->out, bytes, 10 * power);
	text_char(t->out, ' ');
	terminal_styled(t, STYLE_CYAN, names[power]);
}

void units_date(struct text *t, uint64_t unix_s)
{
	char date[64];
	time_t time = (time_t)unix_s;
	struct tm tm;

	if (localtime_r(&time, &tm) && strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S %Z", &tm) > 0)
		text_add(t, date);
	else
		text_u64(t, unix_s);
}
