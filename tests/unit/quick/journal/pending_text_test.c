/* The file of a change that awaits confirmation: reading restores what was written, and other text is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/journal/pending_text.h"

static const char sample[] = "wgsuite-confirm 1\n"
			     "deadline 00000000000086400123\n"
			     "in-effect 00000001700000000123 00000000000000400123\n"
			     "seconds 60\n"
			     "command reload\n"
			     "boot ceccef05/4975979\n"
			     "user 1000 alice\n"
			     "no-hooks\n"
			     "config /etc/wireguard/wg 0.conf\n"
			     "port 51820\n"
			     "mark 7\n"
			     "peer Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk= host.example:5801\n"
			     "endpoint Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk= 192.0.2.1:5801\n"
			     "file\n"
			     "[Interface]\n"
			     "Address = 10.0.0.1/24\n"
			     "file\n";

static void round_trip(void **state)
{
	struct pending p = PENDING_NONE;
	struct text t = text_heap();

	(void)state;
	assert_int_equal(pending_parse(&p, span_of(sample)), 0);
	assert_int_equal(p.deadline_ms, 86400123);
	assert_int_equal(p.seconds, 60);
	assert_true(p.is_reload && p.no_hooks);
	assert_int_equal(p.port, 51820);
	assert_int_equal(p.mark, 7);
	assert_string_equal(p.config, "/etc/wireguard/wg 0.conf");
	assert_int_equal(p.since.real_ms, 1700000000123);
	assert_int_equal(p.since.monotonic_ms, 400123);
	assert_int_equal(p.since.uid, 1000);
	assert_string_equal(p.since.user, "alice");
	assert_string_equal(p.boot, "ceccef05/4975979");
	pending_print(&p, &t);
	text_char(&t, '\0');
	assert_string_equal(t.p, sample);
	text_heap_free(&t);
	t = text_fixed((char[PENDING_TIMES_MAX]){ 0 }, PENDING_TIMES_MAX);
	pending_print_times(&p, &t);
	assert_false(t.failed);
	assert_memory_equal(t.p, sample + PENDING_TIMES_AT, t.n);
	assert_memory_equal(sample + PENDING_TIMES_AT + t.n, "seconds", 7);
	pending_free(&p);
}

/* Each beginning of the text lacks something, up to the line "file". */
static void incomplete(void **state)
{
	size_t complete = (size_t)(strstr(sample, "\nfile") - sample) + 5;

	(void)state;
	for (size_t n = 0; n < complete; n++) {
		struct pending p = PENDING_NONE;
		assert_int_equal(pending_parse(&p, (struct span){ sample, n }), -EINVAL);
		pending_free(&p);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"",
		"wgsuite-confirm 2\ndeadline 1\nfile\n",
		"wgsuite-confirm 1\ndeadline x\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nport 65536\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nseconds -1\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nin-effect 1\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nin-effect x 1\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nuser alice\nfile\n",
		"wgsuite-confirm 1\ndeadline 1\nuser 1 abcdefghijklmnopqrstuvwxyzabcdefgh\nfile\n",
		"wgsuite-confirm 1\nboot 0123456789012345678901234567890123456789012345678901234567890\nfile\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct pending p = PENDING_NONE;
		assert_int_equal(pending_parse(&p, span_of(texts[i])), -EINVAL);
		pending_free(&p);
	}
}

/* Of a later version. */
static void unknown_lines(void **state)
{
	struct pending p = PENDING_NONE;

	(void)state;
	assert_int_equal(pending_parse(&p, span_of("wgsuite-confirm 1\nnovelty a b\n\ndeadline 5\nfile")), 0);
	assert_int_equal(p.deadline_ms, 5);
	assert_false(p.is_reload);
	assert_int_equal(p.file.n, 0);
	pending_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(refused),
		cmocka_unit_test(unknown_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
