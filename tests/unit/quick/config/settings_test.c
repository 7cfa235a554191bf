/* Settings: every wrong line of wgsuite.ini is reported with its line, column and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "quick/config/settings.h"

struct report {
	unsigned int count, line, column; /* of the first */
	char text[160], help[160];
};

static void note(void *ctx, const struct diag_message *m)
{
	struct report *r = ctx;
	struct text text = text_fixed(r->text, sizeof r->text), help = text_fixed(r->help, sizeof r->help);

	if (r->count++ > 0)
		return;
	r->line = m->at.line;
	r->column = m->at.column;
	text_add(&text, m->text);
	text_add(&help, m->help ? m->help : "");
}

static struct report check(const char *text)
{
	struct report r = { .text = "", .help = "" };
	struct diag d = { .emit = note, .ctx = &r };

	assert_true(settings_check(span_of(text), "wgsuite.ini", &d) == (r.count == 0));
	return r;
}

static void right_files_have_no_reports(void **state)
{
	(void)state;
	assert_int_equal(check("").count, 0);
	assert_int_equal(check("# x\n; y\n\n[backend]\nprogram = /opt/my wg ; why\n[DNS]\nBackend=file\ntimeout = 0\n"
			       "[hooks]\nowner = unchecked\n"
			       "[wireguardd]\nlog-level = \"error\"\nthreads = 64\n").count, 0);
}

static void errors_have_positions(void **state)
{
	static const struct { const char *text; unsigned int line, column; const char *message, *help; } cases[] = {
		{ "backend = file\n", 1, 1, "key before the first section: `backend'",
		  "use one of [backend] [dns] [firewall] [hooks] [lock] [monitor] [wireguardd] [show]" },
		{ "[dns]\nbackend = fil\n", 2, 11, "invalid value: `fil'",
		  "use auto, resolved, resolvconf, file or none" },
		{ "[hooks]\nowner = nobody\n", 2, 9, "invalid value: `nobody'",
		  "use any, caller, root or unchecked" },
		{ "[dns]\n\nbackend =\n", 3, 1, "key without a value: `backend'",
		  "use auto, resolved, resolvconf, file or none" },
		{ "[backend]\nprogram = # none\n", 2, 1, "key without a value: `program'",
		  "use a path of at most 255 bytes" },
		{ "[dns]\nbakend = file\n", 2, 1, "unknown key: `bakend'", "" },
		{ "[dns]\nbackend = file\n[dns]\n backend = none\n", 4, 2, "duplicate key: `backend'", "" },
		{ "[nonsense]\nx = 1\n", 1, 2, "unknown section: `nonsense'",
		  "use one of [backend] [dns] [firewall] [hooks] [lock] [monitor] [wireguardd] [show]" },
		{ "[dns\nbackend = file\n", 1, 1, "section without a closing bracket: `[dns'", "" },
		{ "[dns]\nbackend\n", 2, 1, "expected [section] or key = value, found: `backend'", "" },
		{ "[wireguardd]\nthreads = -1\n", 2, 11, "invalid value: `-1'", "use a number from 0 to 64" },
		{ "[wireguardd]\nthreads = 65\n", 2, 11, "invalid value: `65'", "use a number from 0 to 64" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct report r = check(cases[i].text);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.line, cases[i].line);
		assert_int_equal(r.column, cases[i].column);
		assert_string_equal(r.text, cases[i].message);
		assert_string_equal(r.help, cases[i].help);
	}
}

static void every_wrong_line_is_reported(void **state)
{
	(void)state;
	assert_int_equal(check("x = 1\n[dns]\nbackend = a\nbakend = b\n[nonsense]\ny = 2\n").count, 4);
}

static const char *value_of(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "dns:backend") == 0 ? "file" : strcmp(name, "show:hide-keys") == 0 ? "always" : "";
}

static void values_reach_their_members(void **state)
{
	struct settings s;

	(void)state;
	settings_fill(&s, value_of, NULL);
	assert_string_equal(s.dns, "file");
	assert_string_equal(s.hide_keys, "always");
	assert_string_equal(s.firewall, "");
}

static void the_dns_timeout_has_a_default(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(settings_dns_timeout_s(&s), 30);
	strcpy(s.dns_timeout, "0");
	assert_int_equal(settings_dns_timeout_s(&s), 0);
	strcpy(s.dns_timeout, "600");
	assert_int_equal(settings_dns_timeout_s(&s), 600);
}

static void the_lock_timeout_has_a_default(void **state)
{
	struct settings s = { 0 };

	(void)state;
	assert_int_equal(settings_lock_timeout_s(&s), 60);
	strcpy(s.lock_timeout, "0");
	assert_int_equal(settings_lock_timeout_s(&s), 0);
	strcpy(s.lock_timeout, "3600");
	assert_int_equal(settings_lock_timeout_s(&s), 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dns_timeout_has_a_default),
		cmocka_unit_test(the_lock_timeout_has_a_default),
		cmocka_unit_test(right_files_have_no_reports),
		cmocka_unit_test(errors_have_positions),
		cmocka_unit_test(every_wrong_line_is_reported),
		cmocka_unit_test(values_reach_their_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
