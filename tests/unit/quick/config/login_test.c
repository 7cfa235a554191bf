/* Login sessions: which of them confirm a change, and nonsense in the files that describe them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/login.h"

static const char sample[] = "# This is private data. Do not parse.\n"
			     "UID=1000\n"
			     "USER=alice\n"
			     "ACTIVE=1\n"
			     "STATE=active\n"
			     "REMOTE=1\n"
			     "REMOTE_HOST=192.0.2.7\n"
			     "SERVICE=sshd\n"
			     "REALTIME=1700000000123456\n"
			     "MONOTONIC=86400123456\n";

static const struct login_since since = { .real_ms = 1700000000000, .monotonic_ms = 86400000, .uid = 1000, .user = "alice" };
enum { NOW_AFTER_MS = 5000 };

/* The sample with one line replaced; an empty line removes it. */
static bool parse_with(struct login *l, const char *key, const char *line)
{
	char text[1024];
	struct text t = text_fixed(text, sizeof text);
	struct span rest = span_of(sample), one;

	while (span_next(&one, &rest, '\n'))
		if (span_starts(one, key) && one.p[strlen(key)] == '=')
			text_add(&t, line);
		else if (one.n > 0)
			text_f(&t, "%.*s\n", (int)one.n, one.p);
	assert_false(t.failed);
	return login_parse_session(l, text_of(&t));
}

static void sessions(void **state)
{
	static const struct {
		const char *key, *line;
		bool ok;
	} cases[] = {
		{ "USER", "USER=alice\n", true },
		{ "STATE", "STATE=online\n", true },
		{ "STATE", "STATE=opening\n", false },
		{ "STATE", "STATE=closing\n", false },
		{ "STATE", "STATE=active \n", false },
		{ "STATE", "", false },
		{ "REMOTE", "REMOTE=0\n", false },
		{ "REMOTE", "REMOTE=11\n", false },
		{ "REMOTE", "", false },
		{ "REMOTE_HOST", "", false },
		{ "REMOTE_HOST", "REMOTE_HOST=\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=localhost\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=client.example\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=tmux(7).%0\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=:0\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=127.0.0.1\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=127.8.8.8\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=0.0.0.0\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=224.0.0.1\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=::1\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=::\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=ff02::1\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=::ffff:127.0.0.1\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=::ffff:192.0.2.7\n", true },
		{ "REMOTE_HOST", "REMOTE_HOST=2001:db8::7\n", true },
		{ "REMOTE_HOST", "REMOTE_HOST=fe80::7%eth0\n", true },
		{ "REMOTE_HOST", "REMOTE_HOST=192.0.2.7%eth0\n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=192.0.2.7 \n", false },
		{ "REMOTE_HOST", "REMOTE_HOST=192.0.2.7\nREMOTE_HOST=192.0.2.7\n", false },
		{ "UID", "", false },
		{ "UID", "UID=-1\n", false },
		{ "UID", "UID=0x0\n", false },
		{ "UID", "UID=4294967295\n", false },
		{ "UID", "UID=4294968296\n", false },
		{ "UID", "UID=1000\nUID=0\n", false },
		{ "REALTIME", "", false },
		{ "REALTIME", "REALTIME=\n", false },
		{ "REALTIME", "REALTIME=18446744073709551616\n", false },
		{ "MONOTONIC", "", true },
		{ "MONOTONIC", "MONOTONIC=x\n", false },
		{ "MONOTONIC", "MONOTONIC=1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct login l;
		if (parse_with(&l, cases[i].key, cases[i].line) != cases[i].ok)
			fail_msg("%s", cases[i].line);
		assert_int_equal(l.from.family != IP_NONE, cases[i].ok);
	}
}

/* Every beginning of a file is incomplete, unless only lines are missing that it does not need. */
static void incomplete(void **state)
{
	size_t complete = (size_t)(strstr(sample, "MONOTONIC") - sample), n_complete = 0;
	struct login l;

	(void)state;
	for (size_t n = 0; n < sizeof sample; n++)
		n_complete += login_parse_session(&l, (struct span){ sample, n });
	assert_int_equal(n_complete, 2);
	assert_true(login_parse_session(&l, (struct span){ sample, complete }));
	assert_false(login_parse_session(&l, (struct span){ sample, sizeof sample })); /* with a NUL */
}

static void random_bytes(void **state)
{
	char text[sizeof sample];

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		struct login l;
		memcpy(text, sample, sizeof text);
		for (int k = 0; k < 3; k++)
			text[(size_t)rand() % sizeof text] = (char)rand();
		if (login_parse_session(&l, (struct span){ text, sizeof sample - 1 }))
			assert_true(l.from.family == IP_V4 || l.from.family == IP_V6);
	}
}

static void which_count(void **state)
{
	static const uint64_t effect_us = 1700000000000000, effect_monotonic_us = 86400000000;
	const struct {
		struct login login;
		bool counts;
	} cases[] = {
		{ { .uid = 1000, .real_us = effect_us + 1000 }, true },
		{ { .uid = 0, .real_us = effect_us + 1000 }, true },
		{ { .uid = 1001, .real_us = effect_us + 1000 }, false },
		{ { .uid = 1000, .real_us = effect_us + 999 }, false },
		{ { .uid = 1000, .real_us = effect_us - 1000 }, false },
		{ { .uid = 1000, .real_us = effect_us + 60000000 }, false }, /* the clock was set back since */
		{ { .uid = 1000, .real_us = 0 }, false },
		/* A clock that was set is of no importance. */
		{ { .uid = 1000, .real_us = 1, .monotonic_us = effect_monotonic_us + 1000 }, true },
		{ { .uid = 1000, .real_us = effect_us + 1000, .monotonic_us = effect_monotonic_us }, false },
		{ { .uid = 1000, .real_us = effect_us + 1000, .monotonic_us = 1 }, false },
	};
	const struct login_since not_yet = { .uid = 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(login_counts(&cases[i].login, &since, since.real_ms + NOW_AFTER_MS), cases[i].counts);
		assert_false(login_counts(&cases[i].login, &not_yet, since.real_ms + NOW_AFTER_MS));
	}
}

static void records(void **state)
{
	static const uint8_t client[16] = { 192, 0, 2, 7 }, client6[16] = { 0x20, 1, 13, 0xb8, [15] = 7 }, none[16], loopback[16] = { 127, 0, 0, 1 },
			     loopback6[16] = { [15] = 1 }, mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 };
	static const struct login_since nobody = { .uid = 1000 };
	char text[64];
	struct text t = text_fixed(text, sizeof text);
	struct login l;

	(void)state;
	assert_true(login_parse_utmp(&l, SPAN("alice"), client, &since));
	login_print(&t, &l, &since);
	assert_string_equal(text, "alice from 192.0.2.7");
	assert_true(login_parse_utmp(&l, SPAN("alice"), mapped, &since));
	assert_int_equal(l.from.family, IP_V4);
	assert_true(login_parse_utmp(&l, SPAN("root"), client6, &since));
	assert_int_equal(l.uid, 0);
	t = text_fixed(text, sizeof text);
	login_print(&t, &l, &since);
	assert_string_equal(text, "root from 2001:db8::7");
	assert_false(login_parse_utmp(&l, SPAN("bob"), client, &since));
	assert_false(login_parse_utmp(&l, SPAN("alice2"), client, &since));
	assert_false(login_parse_utmp(&l, SPAN(""), client, &nobody));
	assert_false(login_parse_utmp(&l, SPAN("alice"), none, &since)); /* a terminal emulator */
	assert_false(login_parse_utmp(&l, SPAN("alice"), loopback, &since));
	assert_false(login_parse_utmp(&l, SPAN("alice"), loopback6, &since));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions),    cmocka_unit_test(incomplete), cmocka_unit_test(random_bytes),
		cmocka_unit_test(which_count), cmocka_unit_test(records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
