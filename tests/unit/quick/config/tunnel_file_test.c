/* Tunnel files: names, the keys of [Interface], errors with their positions, and the text that `strip` leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/tunnel_file.h"

#define OTHER "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="

struct report {
	unsigned int errors, warnings, line, column; /* position of the last one */
	char text[256];
};

static void note(void *ctx, const struct diag_message *m)
{
	struct report *r = ctx;
	struct text t = text_fixed(r->text, sizeof r->text);

	r->errors += m->level == DIAG_ERROR;
	r->warnings += m->level == DIAG_WARNING;
	r->line = m->at.line;
	r->column = m->at.column;
	text_add(&t, m->text);
}

static bool find_table(uint32_t *number, struct span name)
{
	*number = 1234;
	return span_is(name, "office");
}

static int parse(struct tunnel_file *f, struct report *r, const char *text, bool lines_only)
{
	static const struct tunnel_file_lookups lookups = { .table = find_table };
	struct diag d = { .emit = note, .ctx = r };

	*r = (struct report){ 0 };
	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")),
				   .text = span_dup(span_of(text)), .n_text = strlen(text),
				   .lines_only = lines_only };
	return tunnel_file_parse(f, &lookups, &d);
}

/* A file with one line in [Interface]. */
static int parse_line(struct tunnel_file *f, struct report *r, const char *line)
{
	char text[256];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, "[Interface]\n%s\n", line);
	assert_false(t.failed);
	return parse(f, r, text, false);
}

static void names(void **state)
{
	static const struct { const char *argument, *name; } cases[] = {
		{ "wg0", "wg0" }, { "wg0.conf", "wg0.conf" }, { "./wg0.conf", "wg0" }, { "/etc/x/office=1.conf", "office=1" },
		{ "./wg0", NULL }, { "/etc/.conf", NULL }, { "./sixteen-letters0.conf", NULL }, { "", NULL },
		{ "./a b.conf", NULL }, { "./..conf", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[WG_NAME_MAX];
		assert_int_equal(tunnel_file_name_of(name, cases[i].argument), cases[i].name != NULL);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
	}
}

static void keys_of_the_interface(void **state)
{
	struct tunnel_file f;
	struct report r;
	const struct interface_keys *k = &f.interface;

	(void)state;
	assert_int_equal(parse(&f, &r, "[Interface]\nAddress = 10.0.0.1/24, fd00::1\naddress=10.0.0.1/24 # again\n"
				       "DNS = 1.1.1.1,2606:4700::1111 fe80::1%eth0\nDNS = example.com ~corp.example 1.1.1.1\n"
				       "MTU = 1400\nTable = office\nPostUp = echo \"#\" %i\nPostUp = second\n"
				       "PreDown =\nSaveConfig = TRUE\n[Peer]\nPublicKey = " KEY "\n", false), 0);
	assert_int_equal(r.errors, 0);
	assert_int_equal(r.warnings, 1);
	assert_string_equal(r.text, "duplicate address `10.0.0.1/24'");
	assert_int_equal(k->addresses.n, 2);
	assert_int_equal(k->dns.servers.n, 3);
	assert_string_equal(k->dns.servers.list[2], "fe80::1%eth0");
	assert_int_equal(k->dns.domains.n, 2);
	assert_string_equal(k->dns.domains.list[1], "~corp.example");
	assert_int_equal(k->mtu, 1400);
	assert_int_equal(tunnel_file_table(&f), 1234);
	assert_string_equal(k->table_word, "office");
	assert_int_equal(k->hooks[HOOK_POST_UP].n, 2);
	assert_string_equal(k->hooks[HOOK_POST_UP].list[0], "echo \"#\" %i");
	assert_true(k->save_config);
	assert_string_equal(f.device.name, "wg0");
	assert_int_equal(f.device.n_peers, 1);
	tunnel_file_free(&f);
}

/* As in systemd's resolved.conf: 10.0.0.1#dns.example. */
static void a_server_name_is_a_comment(void **state)
{
	static const struct { const char *line; unsigned int warnings; } cases[] = {
		{ "DNS = 10.0.0.1#dns.example", 1 }, { "DNS = 10.0.0.1 , fd00::1#a, 10.0.0.2#b", 1 },
		{ "dns=10.0.0.1#x", 1 },             { "DNS = 10.0.0.1 #dns.example", 0 },
		{ "DNS = 10.0.0.1# the gateway", 0 }, { "DNS = 10.0.0.1#", 0 },
		{ "DNS = #10.0.0.1", 0 },            { "DNS = 10.0.0.1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		assert_int_equal(parse_line(&f, &r, cases[i].line), 0);
		assert_int_equal(r.warnings, cases[i].warnings);
		if (r.warnings > 0) {
			assert_non_null(strstr(r.text, ": a comment begins at `#': DNS-over-TLS names (address#name) are not supported"));
			assert_string_equal(f.interface.dns.servers.list[0], "10.0.0.1");
		}
		tunnel_file_free(&f);
	}
}

static void addresses_as_ip_reads_them(void **state)
{
	struct tunnel_file f;
	struct report r;

	(void)state;
	assert_int_equal(parse(&f, &r, "[Interface]\nAddress = 10.8.0.02/24, 10.9.0.2/255.255.255.0\n"
				       "DNS = 10.8.0.01\nAddress = 10.8.0.010\n", false), 0);
	assert_int_equal(r.errors, 0);
	assert_int_equal(r.warnings, 1);
	assert_string_equal(r.text, "address `10.8.0.010' is read as 10.8.0.8");
	assert_int_equal(r.column, 11);
	assert_int_equal(f.interface.addresses.n, 3);
	assert_int_equal(f.interface.addresses.list[1].bits, 24);
	assert_string_equal(f.interface.dns.servers.list[0], "10.8.0.1");
	tunnel_file_free(&f);
}

static void tables(void **state)
{
	static const struct { const char *value; enum table_kind kind; uint32_t table; } cases[] = {
		{ "auto", TABLE_AUTO, TABLE_MAIN }, { "", TABLE_AUTO, TABLE_MAIN }, { "Off", TABLE_OFF, 0 },
		{ "7", TABLE_GIVEN, 7 }, { "0x10", TABLE_GIVEN, 16 }, { "0", TABLE_GIVEN, TABLE_MAIN },
		{ "main", TABLE_GIVEN, TABLE_MAIN }, { "local", TABLE_GIVEN, 255 }, { "default", TABLE_GIVEN, 253 },
		{ "4294967295", TABLE_GIVEN, UINT32_MAX }, { "0X384", TABLE_GIVEN, 900 }, { "0310", TABLE_GIVEN, 200 },
		{ "+5", TABLE_GIVEN, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		char line[64];
		struct text t = text_fixed(line, sizeof line);
		text_f(&t, "Table = %s", cases[i].value);
		assert_int_equal(parse_line(&f, &r, line), 0);
		assert_int_equal(f.interface.table_kind, cases[i].kind);
		assert_int_equal(tunnel_file_table(&f), cases[i].table);
		tunnel_file_free(&f);
	}
}

static void wrong_values_are_reported(void **state)
{
	static const struct { const char *line; unsigned int column; const char *text; } cases[] = {
		{ "Address = 10.0.0.1, 10.0.0.300", 21, "Address: expected an IP address, found `10.0.0.300'" },
		{ "MTU = 67", 7, "MTU: expected a number from 68 to 65535, found `67'" },
		{ "MTU = 0x578", 7, "MTU: expected a number from 68 to 65535, found `0x578'" },
		{ "MTU = +1400", 7, "MTU: expected a number from 68 to 65535, found `+1400'" },
		{ "DNS = 10.0.0.1:53", 7, "DNS: expected an IP address, found `10.0.0.1:53'" },
		{ "DNS = 1.2.3", 7, "DNS: expected an IP address, found `1.2.3'" },
		{ "DNS = 1.1.1.09", 7, "DNS: expected an IP address, found `1.1.1.09'" },
		{ "DNS = 1.1.1.1, a;b", 16, "DNS: expected an IP address or a domain, found `a;b'" },
		{ "DNS = 1.1.1.1%eth0", 7, "DNS: expected an IP address or a domain, found `1.1.1.1%eth0'" },
		{ "Table = 4294967296", 9,
		  "Table: expected off, auto, a number or a name from rt_tables, found `4294967296'" },
		{ "SaveConfig = yes", 14, "SaveConfig: expected true or false, found `yes'" },
		{ "Table = 08", 9, "Table: expected off, auto, a number or a name from rt_tables, found `08'" },
		{ "Table = 0x", 9, "Table: expected off, auto, a number or a name from rt_tables, found `0x'" },
		{ "Table = " KEY, 9, "Table: expected off, auto, a number or a name from rt_tables" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tunnel_file f;
		struct report r;
		assert_int_equal(parse_line(&f, &r, cases[i].line), -EINVAL);
		assert_int_equal(r.errors, 1);
		assert_int_equal(r.line, 2);
		assert_int_equal(r.column, cases[i].column);
		assert_string_equal(r.text, cases[i].text);
		tunnel_file_free(&f);
	}
}

static void empty_files_and_peers_without_a_key(void **state)
{
	static const char *const blank[] = { "", " \n\t\n" };
	struct tunnel_file f;
	struct report r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blank); i++) {
		assert_int_equal(parse(&f, &r, blank[i], false), 0); /* upstream's `up` accepts it */
		assert_int_equal(r.warnings, 1);
		assert_string_equal(r.text, "the file is empty");
		assert_string_equal(f.device.name, "wg0");
		assert_int_equal(f.device.n_peers, 0);
		tunnel_file_free(&f);
	}
	assert_int_equal(parse(&f, &r, "[Interface]\n[Peer]\nAllowedIPs = 10.0.0.0/8\n", false), -ENOKEY);
	tunnel_file_free(&f);
	assert_int_equal(parse(&f, &r, "[Peer]\nAddress = 10.0.0.1\n", false), -EINVAL); /* not a key of a peer */
	tunnel_file_free(&f);
}

static void the_last_section_of_a_peer_has_its_allowed_ips(void **state)
{
	struct tunnel_file f;
	struct report r;

	(void)state;
	assert_int_equal(parse(&f, &r, "[Peer]\nPublicKey = " KEY "\nAllowedIPs = 10.0.0.0/8\n"
				       "[Peer]\nPublicKey = " KEY "\nAllowedIPs = 10.1.0.0/16\n", false), 0);
	assert_int_equal(f.device.n_peers, 2);
	assert_int_equal(f.device.peers[0].n_allowedips, 0);
	assert_int_equal(f.device.peers[1].n_allowedips, 1);
	tunnel_file_free(&f);
}

/* Within the allowed IPs of the section, wherever they are in it; every other prefix is reported. */
static void routes_are_within_the_allowed_ips(void **state)
{
	static const struct { const char *peer; int error; size_t n; } cases[] = {
		{ "Routes = off\nAllowedIPs = 10.0.0.0/8\n", 0, 0 },
		{ "Routes = 10.1.0.0/16, 10.2.0.0/16\nAllowedIPs = 10.0.0.0/8\n", 0, 2 },
		{ "AllowedIPs = 10.0.0.0/9, 10.128.0.0/9\nRoutes = 10.0.0.0/8\n", 0, 1 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes = 10.1.0.0/16\nRoutes = off\nroutes = 10.2.0.0/16\n", 0, 1 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes = 11.0.0.0/16\n", -EINVAL, 0 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes = ::/0\n", -EINVAL, 0 },
		{ "Routes = 0.0.0.0/0\n", -EINVAL, 0 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes =\n", -EINVAL, 0 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes = off, 10.0.0.0/8\n", -EINVAL, 0 },
		{ "AllowedIPs = 10.0.0.0/8\nRoutes = on\n", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int last = 0; last < 2; last++)
			for (int lines_only = 0; lines_only < 2; lines_only++) {
				struct tunnel_file f;
				struct report r;
				char text[512];
				struct text t = text_fixed(text, sizeof text);
				text_f(&t, "[Peer]\nPublicKey = " KEY "\n%s%s", cases[i].peer,
				       last ? "" : "[Peer]\nPublicKey = " OTHER "\nAllowedIPs = 11.0.0.0/8, ::/0\n");
				assert_int_equal(parse(&f, &r, text, lines_only), cases[i].error);
				if (!lines_only && cases[i].error == 0) {
					assert_true(f.peers[0].routes.given);
					assert_int_equal(f.peers[0].routes.n, cases[i].n);
				}
				tunnel_file_free(&f);
			}
}

static void a_disabled_peer_is_not_configured(void **state)
{
	struct tunnel_file f;
	struct report r;

	(void)state;
	assert_int_equal(parse(&f, &r, "[Peer]\nPublicKey = " KEY "\nAllowedIPs = 10.0.0.0/8\nDisabled = yes\n"
				       "[Peer]\n# Name = phone\nPublicKey = " OTHER "\nAllowedIPs = 10.0.0.0/16\n", false), 0);
	assert_int_equal(f.device.n_peers, 1);
	assert_int_equal(f.n_peers, 1);
	assert_int_equal(f.disabled.n_peers, 1);
	assert_string_equal(f.device.peers[0].name, "phone");
	tunnel_file_free(&f);
	/* Of several sections with one key, the others stay; the last line counts. */
	assert_int_equal(parse(&f, &r, "[Peer]\nPublicKey = " KEY "\nAllowedIPs = 10.0.0.0/8\n"
				       "[Peer]\nPublicKey = " KEY "\nDisabled = yes\nAllowedIPs = 10.1.0.0/16\n"
				       "[Peer]\nDisabled = yes\nDisabled = no\nPublicKey = " OTHER "\n", false), 0);
	assert_int_equal(f.device.n_peers, 2);
	assert_int_equal(f.device.peers[0].n_allowedips, 1);
	tunnel_file_free(&f);
	/* The rest of its section must be valid, and [Interface] has no such key. */
	assert_int_equal(parse(&f, &r, "[Peer]\nDisabled = yes\nPublicKey = x\n", false), -EINVAL);
	assert_int_equal(r.line, 3);
	tunnel_file_free(&f);
	assert_int_equal(parse(&f, &r, "[Peer]\nDisabled = yes\n", false), -ENOKEY);
	tunnel_file_free(&f);
	assert_int_equal(parse(&f, &r, "[Peer]\nPublicKey = " KEY "\nDisabled = 1\n", true), -EINVAL);
	assert_string_equal(r.text, "Disabled: expected yes or no, found `1'");
	assert_int_equal(r.line, 3);
	assert_int_equal(r.column, 12);
	tunnel_file_free(&f);
	assert_int_equal(parse_line(&f, &r, "Disabled = yes"), -EINVAL);
	tunnel_file_free(&f);
}

static void strip_leaves_what_wg_reads(void **state)
{
	static const struct { const char *text, *stripped; } cases[] = {
		{ "[Interface]\nMTU = 1300\nListenPort = 5\n", "[Interface]\nListenPort = 5\n" },
		{ "  [Interface] \t\nMTU = 1300\n\t ListenPort = 5\n# c \n\nDNS = 1.1.1.1\n",
		  "[Interface]\nListenPort = 5\n# c\n\n" },
		{ "[Interface]\nMTU = 1300", "[Interface]\n" },
		{ "[Interface]\nPostUp = a # b\n  \t ", "[Interface]\n" },
		{ "[Peer]\nPublicKey = " KEY "\n[Interface]\nSaveConfig = true\n",
		  "[Peer]\nPublicKey = " KEY "\n[Interface]\n" },
		{ "[Interface]\n\n# laptop\n[Peer]\nDISABLED = Yes # lost\n  PublicKey = " KEY "\nAllowedIPs=::/0\n\n# phone\n"
		  "[Peer]\nPublicKey = " OTHER "\nDisabled = no\n", "[Interface]\n\n# laptop\n\n# phone\n[Peer]\nPublicKey = " OTHER "\n" },
		{ "[Peer]\nDisabled=yes\nPublicKey = " KEY "\n  [Peer]\nPublicKey = " KEY "\nDisabled = true\n[Interface]\nMTU=1300\n",
		  "[Interface]\n" },
		{ "[Peer]\nPublicKey = " KEY "\nDisabled = yes", "" },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(keys_of_the_interface),
		cmocka_unit_test(a_server_name_is_a_comment),
		cmocka_unit_test(addresses_as_ip_reads_them),
		cmocka_unit_test(tables),
		cmocka_unit_test(wrong_values_are_reported),
		cmocka_unit_test(empty_files_and_peers_without_a_key),
		cmocka_unit_test(the_last_section_of_a_peer_has_its_allowed_ips),
		cmocka_unit_test(routes_are_within_the_allowed_ips),
		cmocka_unit_test(a_disabled_peer_is_not_configured),
		cmocka_unit_test(strip_leaves_what_wg_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
