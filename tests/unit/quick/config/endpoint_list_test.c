/* Several endpoints of a peer in a tunnel file: parsing, errors and their positions, `strip`, `save`, the text for phones. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/edit.h"
#include "quick/config/mobile_text.h"

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define PRIVATE "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define SECTIONS "[Interface]\nPrivateKey = " PRIVATE "\n[Peer]\nPublicKey = " KEY "\n"

struct report {
	unsigned int errors, line, column;
	char text[256];
};

static void note(void *ctx, const struct diag_message *m)
{
	struct report *r = ctx;
	struct text t = text_fixed(r->text, sizeof r->text);

	r->errors += m->level == DIAG_ERROR;
	r->line = m->at.line;
	r->column = m->at.column;
	text_add(&t, m->text);
}

static int parse(struct tunnel_file *f, struct report *r, const char *text, bool lines_only)
{
	static const struct tunnel_file_lookups lookups;
	struct diag d = { .emit = note, .ctx = r };

	*r = (struct report){ 0 };
	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")), .text = span_dup(span_of(text)),
				   .n_text = strlen(text), .lines_only = lines_only };
	return tunnel_file_parse(f, &lookups, &d);
}

static int parse_endpoint(struct tunnel_file *f, struct report *r, const char *value)
{
	char text[1024];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, "%sEndpoint = %s\n", SECTIONS, value);
	assert_false(t.failed);
	return parse(f, r, text, false);
}

static void a_list_is_kept_in_order(void **state)
{
	static const struct { const char *value, *host; } cases[] = {
		{ "a.example:51820, b.example:51820", "a.example:51820,b.example:51820" },
		{ "192.0.2.1:1 , [2001:db8::1]:2,\ta:3 # comment, x", "192.0.2.1:1,[2001:db8::1]:2,a:3" },
		{ "a:1,a:1", "a:1,a:1" },
		{ "a : 1, b :2", "a:1,b:2" }, /* blanks in values of settings have no meaning */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		const struct wg_peer *peer;
		assert_int_equal(parse_endpoint(&f, &r, cases[i].value), 0);
		peer = &f.device.peers[0];
		assert_string_equal(peer->host, cases[i].host);
		assert_int_equal(peer->flags & (WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT), WG_PEER_HAS_HOST);
		tunnel_file_free(&f);
	}
}

/* The last line counts, whichever of the two is a list. */
static void a_later_line_replaces_it(void **state)
{
	struct tunnel_file f;
	struct report r;

	(void)state;
	assert_int_equal(parse_endpoint(&f, &r, "a:1, b:2\nEndpoint = 192.0.2.1:3"), 0);
	assert_null(f.device.peers[0].host);
	assert_int_equal(f.device.peers[0].flags & (WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT), WG_PEER_HAS_ENDPOINT);
	tunnel_file_free(&f);
	assert_int_equal(parse_endpoint(&f, &r, "192.0.2.1:3\nEndpoint = a:1, 192.0.2.1:4"), 0);
	assert_string_equal(f.device.peers[0].host, "a:1,192.0.2.1:4");
	assert_int_equal(f.device.peers[0].flags & (WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT), WG_PEER_HAS_HOST);
	tunnel_file_free(&f);
}

static void each_endpoint_is_checked(void **state)
{
	static const struct { const char *value; unsigned int column; const char *text; } cases[] = {
		{ "a:1,", 16, "Unable to parse empty endpoint" },
		{ ",a:1", 12, "Unable to parse empty endpoint" },
		{ "a:1, ,b:2", 17, "Unable to parse empty endpoint" },
		{ "a:1, b", 17, "Unable to find port of endpoint: `b'" },
		{ "a:1, [::1:5", 17, "Unable to find matching brace of endpoint: `[::1:5'" },
		{ "a:1, 192.0.2.1:65536", 17, "Port is not 0-65535: `192.0.2.1:65536'" },
		{ "a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", 76, "a peer has at most 16 endpoints" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		assert_int_equal(parse_endpoint(&f, &r, cases[i].value), -EINVAL);
		assert_int_equal(r.errors, 1);
		assert_int_equal(r.line, 5);
		assert_string_equal(r.text, cases[i].text);
		assert_int_equal(r.column, cases[i].column);
		tunnel_file_free(&f);
	}
}

static void strip_leaves_the_first(void **state)
{
	static const struct { const char *text, *stripped; } cases[] = {
		{ "[Peer]\nPublicKey = " KEY "\nEndpoint = a:1, b:2\n", "[Peer]\nPublicKey = " KEY "\nEndpoint = a:1\n" },
		{ "[Peer]\nPublicKey = " KEY "\n \tendpoint=192.0.2.1:1 ,b:2 # old, new \nAllowedIPs = ::/0, 10.0.0.0/8",
		  "[Peer]\nPublicKey = " KEY "\nendpoint=192.0.2.1:1 # old, new\nAllowedIPs = ::/0, 10.0.0.0/8" },
		{ "[Interface]\nMTU = 1400\n[Peer]\nPublicKey = " KEY "\nEndpoint = a:1,b:2\nEndpoint = c:3,d:4",
		  "[Interface]\n[Peer]\nPublicKey = " KEY "\nEndpoint = a:1\nEndpoint = c:3" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		assert_int_equal(parse(&f, &r, cases[i].text, true), 0);
		tunnel_file_strip(&f);
		assert_true(span_is((struct span){ f.text, f.n_text }, cases[i].stripped));
		tunnel_file_free(&f);
	}
}

/* The peer may have any of them, or one that it roamed to. */
static void save_keeps_it(void **state)
{
	struct tunnel_file file, now;
	struct report r;
	struct edit_state s = { .device = &now.device, .addresses = &now.interface.addresses, .ipv6 = true,
				.foreign = &now.interface.addresses };
	struct text out = text_heap();
	bool changed = true;

	(void)state;
	assert_int_equal(parse_endpoint(&file, &r, "192.0.2.1:1, b:2"), 0);
	assert_int_equal(parse_endpoint(&now, &r, "192.0.2.77:7"), 0);
	assert_true(edit_tunnel_file(&out, &changed, &file, &s));
	assert_false(changed);
	text_heap_free(&out);
	tunnel_file_free(&file);
	tunnel_file_free(&now);
}

static void phones_get_the_first(void **state)
{
	struct tunnel_file f;
	struct report r;
	struct text out = text_heap(), left = text_heap();

	(void)state;
	assert_int_equal(parse_endpoint(&f, &r, "192.0.2.1:1, b:2"), 0);
	assert_true(mobile_text(&out, &f));
	assert_non_null(strstr(out.p, "\nEndpoint = 192.0.2.1:1\n"));
	mobile_text_left_out(&left, &f);
	assert_string_equal(left.p, "Endpoint after its first one");
	text_heap_free(&out);
	text_heap_free(&left);
	tunnel_file_free(&f);
}

/* wg(8) reads one endpoint: to the parser without the option, the text is a name, as it is to upstream. */
static void wg_reads_no_list(void **state)
{
	struct diag d = { 0 };
	struct conf_options o = { .file = "wg0.conf" };
	struct wg_device device;

	(void)state;
	assert_int_equal(conf_read(&device, SPAN("[Peer]\nPublicKey = " KEY "\nEndpoint = a:1,b:2\n"), &o, &d), 0);
	assert_string_equal(device.peers[0].host, "a:1,b:2");
	device_free(&device);
	assert_int_equal(conf_read(&device, SPAN("[Peer]\nPublicKey = " KEY "\nEndpoint = a:1,192.0.2.1\n"), &o, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_kept_in_order), cmocka_unit_test(a_later_line_replaces_it),
		cmocka_unit_test(each_endpoint_is_checked), cmocka_unit_test(strip_leaves_the_first),
		cmocka_unit_test(save_keeps_it), cmocka_unit_test(phones_get_the_first), cmocka_unit_test(wg_reads_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
