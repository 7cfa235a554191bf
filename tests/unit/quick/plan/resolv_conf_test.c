/* The contents of resolv.conf: what tunnels make of it, what is recognised, and that the original is never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/plan/resolv_conf.h"

#define ORIGINAL "options edns0\nnameserver 192.0.2.1\n\n# mine\nsearch home"

static struct resolv_conf_tunnel tunnel(const char *id, const char *server, const char *domain)
{
	struct resolv_conf_tunnel t = { .index = 7, .boot = "3f2a91bc", .init = "-" };
	struct text words = text_fixed(t.id, sizeof t.id);

	text_add(&words, id);
	assert_true(!server || string_list_add(&t.dns.servers, span_of(server)));
	assert_true(!domain || string_list_add(&t.dns.domains, span_of(domain)));
	return t;
}

static void parse(struct resolv_conf *rc, const char *text)
{
	assert_true(resolv_conf_parse(rc, span_of(text)));
}

/* Brings a tunnel up in the file. */
static void add(struct text *file, const char *id, const char *server, const char *domain)
{
	struct resolv_conf_tunnel t = tunnel(id, server, domain);
	struct resolv_conf rc;

	assert_true(resolv_conf_parse(&rc, text_of(file)));
	file->n = 0;
	resolv_conf_print(file, &rc, id, &t);
	dns_config_free(&t.dns);
	resolv_conf_free(&rc);
}

static void drop(struct text *file, const char *id)
{
	struct resolv_conf rc;

	assert_true(resolv_conf_parse(&rc, text_of(file)));
	assert_true(rc.intact);
	assert_true(resolv_conf_drop(&rc, id));
	file->n = 0;
	resolv_conf_print(file, &rc, NULL, NULL);
	resolv_conf_free(&rc);
}

static struct text file_of(const char *text)
{
	struct text t = text_heap();

	text_add(&t, text);
	return t;
}

static void assert_text(const struct text *t, const char *expected)
{
	assert_int_equal(t->n, strlen(expected));
	assert_memory_equal(t->p, expected, t->n);
}

/* All but the comments that tell what was there. */
static void assert_settings(const struct text *file, const char *expected)
{
	struct text settings = text_heap();
	struct span rest = text_of(file), line;

	while (span_next(&line, &rest, '\n'))
		if (line.n > 0 && line.p[0] != '#')
			text_f(&settings, "%.*s\n", (int)line.n, line.p);
	assert_text(&settings, expected);
	text_heap_free(&settings);
}

static void a_tunnel_replaces_servers_and_keeps_options(void **state)
{
	struct text file = file_of(ORIGINAL);

	(void)state;
	add(&file, "wg0@1", "10.0.0.53", "~corp.example");
	assert_settings(&file, "nameserver 10.0.0.53\nsearch corp.example\noptions edns0\n");
	assert_true(span_starts(text_of(&file), "# Made by wg-quick(8) for wg0;"));
	assert_null(strstr(file.p, "192.0.2.1")); /* a search in the file must not find it */
	drop(&file, "wg0@1");
	assert_text(&file, ORIGINAL);
	add(&file, "wg0@1", NULL, "corp.example");
	assert_settings(&file, "search corp.example\noptions edns0\nnameserver 192.0.2.1\n");
	text_heap_free(&file);
}

static void tunnels_in_any_order(void **state)
{
	static const char *const ids[] = { "a@1", "b@1", "c@1" };
	static const unsigned int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct text file = file_of(ORIGINAL);
		add(&file, "a@1", "10.0.0.1", NULL);
		add(&file, "b@1", "10.0.0.2", NULL);
		add(&file, "c@1", NULL, "c.example");
		assert_settings(&file, "search c.example\nnameserver 10.0.0.2\noptions edns0\n");
		for (size_t k = 0; k < 3; k++)
			drop(&file, ids[orders[i][k]]);
		assert_text(&file, ORIGINAL);
		text_heap_free(&file);
	}
}

static void the_same_tunnel_again_moves_to_the_top(void **state)
{
	struct text file = file_of(ORIGINAL);

	(void)state;
	add(&file, "a@1", "10.0.0.1", NULL);
	add(&file, "b@1", "10.0.0.2", NULL);
	add(&file, "a@1", "10.0.0.3", NULL);
	assert_settings(&file, "nameserver 10.0.0.3\noptions edns0\n");
	drop(&file, "a@1");
	assert_settings(&file, "nameserver 10.0.0.2\noptions edns0\n");
	text_heap_free(&file);
}

/* No file, a link, a file without a newline at its end, empty, long. */
static void every_original_comes_back(void **state)
{
	static const struct { enum resolv_conf_kind kind; const char *target, *text; } cases[] = {
		{ RESOLV_CONF_NONE, NULL, "" },
		{ RESOLV_CONF_LINK, "../run/a b", "" },
		{ RESOLV_CONF_FILE, NULL, "" },
		{ RESOLV_CONF_FILE, NULL, "nameserver 192.0.2.1" },
		{ RESOLV_CONF_FILE, NULL, "up x\noriginal none\n\n\n" },
		{ RESOLV_CONF_FILE, NULL, "#\r\n\t\x01\xff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct resolv_conf rc = { .kind = cases[i].kind, .original = file_of(cases[i].text) };
		struct resolv_conf_tunnel t = tunnel("wg0@1", "fe80::1%eth0", "example");
		struct text file = text_heap();
		rc.target = cases[i].target ? span_dup(span_of(cases[i].target)) : NULL;
		resolv_conf_print(&file, &rc, NULL, &t);
		resolv_conf_free(&rc);
		assert_true(resolv_conf_parse(&rc, text_of(&file)));
		assert_true(rc.ours && rc.intact && !rc.foreign && !rc.damaged);
		assert_int_equal(rc.kind, cases[i].kind);
		assert_text(&rc.original, cases[i].text);
		if (cases[i].target)
			assert_string_equal(rc.target, cases[i].target);
		assert_true(resolv_conf_has(&rc, "wg0@1", &t.dns));
		assert_false(resolv_conf_has(&rc, "wg0@2", &t.dns));
		assert_int_equal(rc.tunnels[0].index, 7);
		assert_string_equal(rc.tunnels[0].boot, "3f2a91bc");
		resolv_conf_free(&rc);
		dns_config_free(&t.dns);
		text_heap_free(&file);
	}
}

static void a_text_of_others_is_an_original(void **state)
{
	struct resolv_conf rc;

	(void)state;
	parse(&rc, "# Generated by NetworkManager\nnameserver 192.0.2.1\n");
	assert_false(rc.ours);
	assert_int_equal(rc.n, 0);
	assert_text(&rc.original, "# Generated by NetworkManager\nnameserver 192.0.2.1\n");
	resolv_conf_free(&rc);
}

static void lines_that_others_add_are_kept(void **state)
{
	struct text file = file_of("nameserver 192.0.2.1");
	struct resolv_conf rc;

	(void)state;
	add(&file, "wg0@1", "10.0.0.1", NULL);
	text_add(&file, "nameserver 198.51.100.1\nnameserver 192.0.2.1\n");
	assert_true(resolv_conf_parse(&rc, text_of(&file)));
	assert_true(rc.ours && rc.foreign && !rc.intact);
	assert_true(resolv_conf_lists(&rc, "wg0@1"));
	assert_false(resolv_conf_has(&rc, "wg0@1", &rc.tunnels[0].dns)); /* its servers may not be in effect */
	assert_text(&rc.original, "nameserver 192.0.2.1\nnameserver 198.51.100.1\n");
	resolv_conf_free(&rc);
	text_heap_free(&file);
}

/* Of a text that is cut anywhere, or has a wrong byte, nothing is believed. */
static void a_damaged_text_is_ours_and_says_so(void **state)
{
	struct text file = file_of(ORIGINAL);
	struct resolv_conf rc;
	size_t marked = strlen("# Made by wg-quick(8) for ");

	(void)state;
	add(&file, "wg0@1", "10.0.0.1", NULL);
	for (size_t n = 0; n + 1 < file.n; n++) {
		assert_true(resolv_conf_parse(&rc, span_sub(text_of(&file), 0, n)));
		assert_int_equal(rc.ours, n >= marked);
		assert_false(rc.intact);
		assert_int_equal(rc.damaged, n >= marked);
		if (n > marked + 3)
			assert_string_equal(rc.tunnels[0].id, "wg0");
		resolv_conf_free(&rc);
	}
	file.p[file.n - 2] ^= 1;
	assert_true(resolv_conf_parse(&rc, text_of(&file)));
	assert_true(rc.damaged);
	assert_int_equal(rc.original.n, 0);
	resolv_conf_salvage(&rc, text_of(&file));
	assert_text(&rc.original, "nameserver 10.0.0.1\noptions edns0\n");
	resolv_conf_free(&rc);
	text_heap_free(&file);
}

static void earlier_versions_are_recognised(void **state)
{
	struct resolv_conf rc;

	(void)state;
	parse(&rc, "# Made by wg-quick(8) for wg-home; what was here comes back when it goes down.\nnameserver 10.0.0.1\n");
	assert_true(rc.ours && rc.damaged);
	assert_string_equal(rc.tunnels[0].id, "wg-home");
	resolv_conf_free(&rc);
}

/* Earlier versions had another sentence in the first line: the file is not one that another program changed. */
static void the_sentence_of_earlier_versions_is_no_change(void **state)
{
	static const char earlier[] = "what was here comes back when it goes down.";
	struct text file = file_of(ORIGINAL), old = text_heap();
	struct resolv_conf rc;
	struct span all, line;

	(void)state;
	add(&file, "wg0@1", "10.0.0.1", NULL);
	all = text_of(&file);
	assert_true(span_next(&line, &all, '\n'));
	text_f(&old, "%.*s; %s\n", (int)span_find(line, ';'), line.p, earlier);
	text_span(&old, all);
	assert_false(span_equal(text_of(&old), text_of(&file)));
	assert_true(resolv_conf_parse(&rc, text_of(&old)));
	assert_true(rc.ours && rc.intact && !rc.foreign);
	resolv_conf_free(&rc);
	old.p[2] = 'm'; /* anything else is */
	assert_true(resolv_conf_parse(&rc, text_of(&old)));
	assert_false(rc.intact);
	resolv_conf_free(&rc);
	text_heap_free(&old);
	text_heap_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_replaces_servers_and_keeps_options),
		cmocka_unit_test(tunnels_in_any_order),
		cmocka_unit_test(the_same_tunnel_again_moves_to_the_top),
		cmocka_unit_test(every_original_comes_back),
		cmocka_unit_test(a_text_of_others_is_an_original),
		cmocka_unit_test(lines_that_others_add_are_kept),
		cmocka_unit_test(a_damaged_text_is_ours_and_says_so),
		cmocka_unit_test(earlier_versions_are_recognised),
		cmocka_unit_test(the_sentence_of_earlier_versions_is_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
