/* The text of journals: reading restores what was written, and damaged files are refused or read without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/journal/journal_text.h"

static const char sample[] = "wgsuite-record 1\n"
			     "config /etc/wireguard/wg 0.conf\n"
			     "index 7\n"
			     "port 51820\n"
			     "table 254\n"
			     "route-metric 50\n"
			     "bind-device eth1\n"
			     "source-address 192.0.2.5\n"
			     "source-address 2001:db8::5\n"
			     "tools 1 1 tun.\n"
			     "netns private option\n"
			     "link\n"
			     "kill-switch 1 2 51820 7 3\n"
			     "firewall 4 51820 3\n"
			     "dns\n"
			     "unreachable 51820 0.0.0.0/0\n"
			     "throw 51820 192.168.0.0/16\n"
			     "rule 4 32765 51820 51820 100\n"
			     "rule 4 32764 0 254 011\n"
			     "sysctl 1 0\n"
			     "guard 10.0.0.1/24\n"
			     "server 9.9.9.9\n"
			     "domain ~corp\n"
			     "excluded 192.168.0.0/16\n"
			     "excluded fd00::/8\n"
			     "routes Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk= 10.0.0.0/24,fd00::/64\n"
			     "routes xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg= off\n"
			     "address 10.0.0.1/24\n"
			     "foreign 10.9.0.1/32\n"
			     "pre-down \n"
			     "post-down echo %i # x\n"
			     "peer Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk= host.example:5801\n"
			     "line [Interface]\n"
			     "line Address = 10.0.0.1/24 # x\n"
			     "hook-change address 93d286ed76c7d14ffe8f16fdc7df27f1 10.0.0.1 peer 10.0.0.2/32\n"
			     "hook-change peer - Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\n"
			     "hook-lines 1 6be1c12dc8d94c7173bcc390dea00f9d\n"
			     "began 0\n"
			     "began 1\n"
			     "complete 86400123456\n"
			     "ending\n";

static void release(struct journal *r)
{
	struct text t = text_heap();

	journal_print(r, &t);
	text_heap_free(&t);
	applied_free(&r->applied);
}

static void round_trip(void **state)
{
	struct journal r = { .lock = -1, .name = "wg0" };
	struct text t = text_heap();

	(void)state;
	assert_int_equal(journal_parse(&r, span_of(sample)), 0);
	assert_int_equal(r.ifindex, 7);
	assert_int_equal(r.completed_ms, 86400123456);
	assert_true(r.is_ending && r.complete && r.began[HOOK_PRE_UP] && !r.began[HOOK_PRE_DOWN]);
	assert_int_equal(r.applied.plan.n, 10);
	assert_string_equal(r.applied.plan.netns, "private");
	assert_true(r.applied.plan.netns_is_option);
	assert_int_equal(r.applied.excluded.n, 2);
	assert_int_equal(r.applied.route_metric, 50);
	assert_string_equal(r.applied.binding.device, "eth1");
	assert_string_equal(r.applied.plan.dns_prefix, "tun.");
	journal_print(&r, &t);
	text_char(&t, '\0');
	assert_string_equal(t.p, sample);
	text_heap_free(&t);
	release(&r);
}

/* Appended entries take effect; a path with a newline is not written. */
static void appended_entries(void **state)
{
	struct journal r = { .lock = -1, .name = "wg0" };
	struct text t = text_heap();

	(void)state;
	text_f(&t, "%sno-sysctl\n", sample);
	assert_int_equal(journal_parse(&r, text_of(&t)), 0);
	assert_int_equal(r.applied.plan.n, 9);
	for (size_t i = 0; i < r.applied.plan.n; i++)
		assert_int_not_equal(r.applied.plan.steps[i].kind, STEP_SYSCTL);
	assert_true(r.applied.has_table && r.applied.table == TABLE_MAIN);
	free(r.applied.config);
	r.applied.config = span_dup(SPAN("/a\nlink\n/wg0.conf"));
	t.n = 0;
	journal_print(&r, &t);
	assert_null(strstr(t.p, "/a"));
	text_heap_free(&t);
	release(&r);
}

/* Cut anywhere, as on a full disk: no crash, and no step that was not in it. */
static void cut_anywhere(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof sample; n++) {
		struct journal r = { .lock = -1, .name = "wg0" };
		int error = journal_parse(&r, (struct span){ sample, n });
		assert_true(error == 0 || n < sizeof sample - 1);
		assert_true(r.applied.plan.n <= 10);
		release(&r);
	}
}

static void malformed_texts(void **state)
{
	static const char *const texts[] = { "", "\n", "wgsuite-record 2\n", "wgsuite-record 1\nrule 4\n",
					     "wgsuite-record 1\nrule 4 x 1 1 000\n",
					     "wgsuite-record 1\nindex 7\ncomplete\n",
					     "wgsuite-record 1\ntools 9 9 \n", "wgsuite-record 1\nbegan 4\n",
					     "wgsuite-record 1\nguard 10.0.0.300\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct journal r = { .lock = -1, .name = "wg0" };
		assert_int_not_equal(journal_parse(&r, span_of(texts[i])), 0);
		release(&r);
	}
}

/* Without the interface, only a journal of what could not be undone is complete. */
/* Appended while the interface is created again, and at the end. */
static void an_interface_that_is_restored(void **state)
{
	static const struct { const char *lines; bool restoring; uint32_t index; } cases[] = {
		{ "restoring\nindex 9\n", true, 9 },
		{ "restoring\nindex 9\nrestored\n", false, 9 },
		{ "restoring\nindex 9\nrestored\nrestoring\nindex 12\n", true, 12 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct journal r = { .lock = -1, .name = "wg0" };
		struct text t = text_heap();
		text_f(&t, "%s%s", sample, cases[i].lines);
		assert_int_equal(journal_parse(&r, text_of(&t)), 0);
		assert_int_equal(r.restoring, cases[i].restoring);
		assert_int_equal(r.ifindex, cases[i].index);
		text_heap_free(&t);
		t = text_heap();
		journal_print(&r, &t); /* a reload keeps it */
		assert_int_equal(strstr(t.p, "\nrestoring\n") != NULL, cases[i].restoring);
		text_heap_free(&t);
		applied_free(&r.applied);
	}
}

static void name_servers_that_could_not_be_set(void **state)
{
	static const struct { const char *lines; bool failed; } cases[] = {
		{ "", false },
		{ "dns-failed\n", true },
		{ "dns-failed\ncomplete 5\ndns-set\n", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct journal r = { .lock = -1, .name = "wg0" };
		struct text t = text_heap();
		text_f(&t, "%s%s", sample, cases[i].lines);
		assert_int_equal(journal_parse(&r, text_of(&t)), 0);
		assert_int_equal(r.dns_failed, cases[i].failed);
		text_heap_free(&t);
		t = text_heap();
		journal_print(&r, &t);
		assert_int_equal(strstr(t.p, "\ndns-failed\n") != NULL, cases[i].failed);
		text_heap_free(&t);
		applied_free(&r.applied);
	}
}

static void the_rest_of_a_tunnel(void **state)
{
	struct journal r = { .lock = -1, .name = "wg0" };

	(void)state;
	assert_int_equal(journal_parse(&r, SPAN("wgsuite-record 1\nrule 4 7 1 1 100\ncomplete\nrest\n")), 0);
	assert_true(r.is_leftover);
	assert_int_equal(r.applied.plan.n, 1);
	release(&r);
	r = (struct journal){ .lock = -1, .name = "wg0" };
	assert_int_not_equal(journal_parse(&r, SPAN("wgsuite-record 1\nrule 4 7 1 1 100\ncomplete\n")), 0);
	release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(appended_entries),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(malformed_texts),
		cmocka_unit_test(an_interface_that_is_restored),
		cmocka_unit_test(name_servers_that_could_not_be_set),
		cmocka_unit_test(the_rest_of_a_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
