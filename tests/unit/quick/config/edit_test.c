/* `save` edits the text of a tunnel file: only lines that differ from the tunnel's state change, comments, names, host
 * names and order stay, and saving a second time changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/config/edit.h"

#define PRIVATE "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define OTHER_PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PSK "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
#define A "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define B "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define C "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0="

static void parse(struct tunnel_file *f, const char *text)
{
	static const struct tunnel_file_lookups lookups;
	struct diag d = { 0 };

	*f = (struct tunnel_file){ .name = "wg0", .path = span_dup(SPAN("wg0.conf")),
				   .text = span_dup(span_of(text)), .n_text = strlen(text) };
	assert_non_null(f->text);
	assert_int_equal(tunnel_file_parse(f, &lookups, &d), 0);
}

struct options {
	const char *foreign; /* a file with the addresses that are not the tunnel's own */
	bool chosen; /* port and mark */
	bool no_ipv6;
};

/* The text after saving; the state of the tunnel is written as a file, too. Null: nothing changed. */
static char *save(const char *text, const char *state, const struct options *o)
{
	struct tunnel_file file, now, foreign;
	struct edit_state s;
	struct text out = text_heap();
	bool changed;

	parse(&file, text);
	parse(&now, state);
	parse(&foreign, o && o->foreign ? o->foreign : "[Interface]\n");
	s = (struct edit_state){ .device = &now.device, .addresses = &now.interface.addresses,
				 .foreign = &foreign.interface.addresses, .mtu = now.interface.mtu,
				 .chosen_port = o && o->chosen, .chosen_mark = o && o->chosen,
				 .ipv6 = !o || !o->no_ipv6 };
	assert_true(edit_tunnel_file(&out, &changed, &file, &s));
	tunnel_file_free(&file);
	tunnel_file_free(&now);
	tunnel_file_free(&foreign);
	if (!changed)
		text_heap_free(&out);
	return changed ? out.p : NULL;
}

static void check(const char *text, const char *state, const struct options *o, const char *expected)
{
	char *once = save(text, state, o), *twice;

	assert_non_null(once);
	assert_string_equal(once, expected);
	twice = save(once, state, o);
	assert_null(twice);
	free(once);
}

static void unchanged(const char *text, const char *state, const struct options *o)
{
	assert_null(save(text, state, o));
}

static void disabled_peers_stay(void **state)
{
	const char *text = "[Peer]\nPublicKey = " A "\nDisabled = yes\nAllowedIPs = 10.0.0.2/32\n\n[Peer]\nPublicKey = " B "\n";

	(void)state;
	unchanged(text, "[Peer]\nPublicKey = " B "\n", NULL);
	/* The device has it, from before the edit of the file. */
	unchanged(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.0.0.3/32\n[Peer]\nPublicKey = " B "\n", NULL);
	check(text, "[Peer]\nPublicKey = " C "\n[Peer]\nPublicKey = " B "\nPersistentKeepalive = 5\n", NULL,
	      "[Peer]\nPublicKey = " A "\nDisabled = yes\nAllowedIPs = 10.0.0.2/32\n\n[Peer]\nPublicKey = " B "\n"
	      "PersistentKeepalive = 5\n\n[Peer]\nPublicKey = " C "\n");
}

static void the_same_state_changes_nothing(void **state)
{
	const char *text = "# mine\n[interface]\n  privatekey=" PRIVATE " # key\nAddress = 10.0.0.1/24,fd00::1/64\n"
			   "MTU = 1400\nPostUp = echo # not a comment\n\n[Peer] # laptop\nPublicKey = " A "\n"
			   "AllowedIPs = 10.0.0.2/32,10.1.0.0/16\nEndpoint = 192.0.2.1:51820";

	(void)state;
	unchanged(text, text, NULL);
	unchanged("[Peer]\nPublicKey = " A "\n", "[Peer]\nPublicKey = " A "\n", NULL);
}

static void comments_names_order_and_spelling_stay(void **state)
{
	(void)state;
	check("# The tunnel of the office\n"
	      "[Interface]\n"
	      "  listenport=1 # the old port\n"
	      "PrivateKey = " PRIVATE " # made in 2020\n"
	      "PostUp = logger up # stays\n"
	      "\n"
	      "# Name = laptop\n"
	      "[Peer]\n"
	      "AllowedIPs = 10.0.0.2/32 # first\n"
	      "PublicKey = " A "\n"
	      "\n"
	      "# Name = phone\n"
	      "[Peer]\n"
	      "PublicKey = " B "\n"
	      "AllowedIPs = 10.0.0.4/32\n"
	      "\n"
	      "# the end\n",
	      "[Interface]\nPrivateKey = " OTHER_PRIVATE "\nListenPort = 2\n"
	      "[Peer]\nPublicKey = " B "\nAllowedIPs = 10.0.0.4/32\nEndpoint = [2001:db8::1]:5\n"
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.0.0.2/32, 10.0.0.3/32\nPersistentKeepalive = 25\n",
	      NULL,
	      "# The tunnel of the office\n"
	      "[Interface]\n"
	      "  listenport=2 # the old port\n"
	      "PrivateKey = " OTHER_PRIVATE " # made in 2020\n"
	      "PostUp = logger up # stays\n"
	      "\n"
	      "# Name = laptop\n"
	      "[Peer]\n"
	      "AllowedIPs = 10.0.0.2/32, 10.0.0.3/32 # first\n"
	      "PublicKey = " A "\n"
	      "PersistentKeepalive = 25\n"
	      "\n"
	      "# Name = phone\n"
	      "[Peer]\n"
	      "PublicKey = " B "\n"
	      "AllowedIPs = 10.0.0.4/32\n"
	      "Endpoint = [2001:db8::1]:5\n"
	      "\n"
	      "# the end\n");
}

static void peers_are_added_and_removed(void **state)
{
	(void)state;
	check("[Interface]\nPrivateKey = " PRIVATE "\n"
	      "\n"
	      "# Name = gone\n"
	      "# and more about it\n"
	      "[Peer]\n"
	      "PublicKey = " A "\n"
	      "AllowedIPs = 10.0.0.2/32\n"
	      "\n"
	      "# Name = phone\n"
	      "[Peer]\n"
	      "PublicKey = " B "\n",
	      "[Interface]\nPrivateKey = " PRIVATE "\n"
	      "[Peer]\nPublicKey = " B "\n"
	      "[Peer]\nPublicKey = " C "\nPresharedKey = " PSK "\nAllowedIPs = 10.0.0.3/32, fd00::3/128\n"
	      "Endpoint = 192.0.2.1:51820\nPersistentKeepalive = 5\n",
	      NULL,
	      "[Interface]\nPrivateKey = " PRIVATE "\n"
	      "\n"
	      "# Name = phone\n"
	      "[Peer]\n"
	      "PublicKey = " B "\n"
	      "\n"
	      "[Peer]\n"
	      "PublicKey = " C "\n"
	      "PresharedKey = " PSK "\n"
	      "AllowedIPs = 10.0.0.3/32, fd00::3/128\n"
	      "Endpoint = 192.0.2.1:51820\n"
	      "PersistentKeepalive = 5\n");
}

static void settings_of_a_peer_are_removed(void **state)
{
	(void)state;
	check("[Peer]\nPublicKey = " A "\nPresharedKey = " PSK "\nPersistentKeepalive = 5\nPersistentKeepalive = 6\n",
	      "[Peer]\nPublicKey = " A "\n", NULL,
	      "[Peer]\nPublicKey = " A "\n");
	check("[Peer]\nPublicKey = " A "\nPersistentKeepalive = 5 # old\nPersistentKeepalive = 6 # new\n",
	      "[Peer]\nPublicKey = " A "\nPersistentKeepalive = 7\n", NULL,
	      "[Peer]\nPublicKey = " A "\nPersistentKeepalive = 7 # new\n");
}

static void host_names_stay(void **state)
{
	(void)state;
	unchanged("[Peer]\nPublicKey = " A "\nEndpoint = vpn.example.com:51820\n",
		  "[Peer]\nPublicKey = " A "\nEndpoint = 192.0.2.1:51820\n", NULL);
	/* A peer that did not connect again has no endpoint, but will need this one. */
	unchanged("[Peer]\nPublicKey = " A "\nEndpoint = 192.0.2.1:51820\n", "[Peer]\nPublicKey = " A "\n", NULL);
}

static void lines_of_allowedips_stay_apart(void **state)
{
	(void)state;
	check("[Peer]\nPublicKey = " A "\n"
	      "AllowedIPs = 10.0.0.1/32,10.0.0.2/32 # a\n"
	      "AllowedIPs = 10.0.0.3/32 # b\n"
	      "AllowedIPs = 10.0.0.4,10.0.0.4/32 # c\n",
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.0.0.2/32, 10.0.0.4/32, 10.0.0.5/32\n", NULL,
	      "[Peer]\nPublicKey = " A "\n"
	      "AllowedIPs = 10.0.0.2/32 # a\n"
	      "AllowedIPs = 10.0.0.4, 10.0.0.5/32 # c\n");
	unchanged("[Peer]\nPublicKey = " A "\nAllowedIPs = 10.0.0.1/32,fd00::1/128\n",
		  "[Peer]\nPublicKey = " A "\nAllowedIPs = fd00::1/128, 10.0.0.1/32\n", NULL);
}

static void addresses_are_added_and_removed(void **state)
{
	static const struct options hook = { .foreign = "[Interface]\nAddress = 10.0.9.9/24\n" };

	(void)state;
	check("[Interface]\n"
	      "Address = 10.0.0.1/24,10.0.1.1/24 # mine\n"
	      "Address = 10.0.2.1/24\n"
	      "PrivateKey = " PRIVATE "\n",
	      "[Interface]\nAddress = 10.0.1.1/24, 10.0.3.1/24, fe80::5/64, 10.0.9.9/24\n", &hook,
	      "[Interface]\n"
	      "Address = 10.0.1.1/24 # mine\n"
	      "Address = 10.0.3.1/24\n"
	      "PrivateKey = " PRIVATE "\n");
	check("[Interface]\nPrivateKey = " PRIVATE "\n",
	      "[Interface]\nAddress = 10.0.0.1 peer 10.0.0.2/32\n", NULL,
	      "[Interface]\nAddress = 10.0.0.1 peer 10.0.0.2/32\nPrivateKey = " PRIVATE "\n");
}

static void addresses_stay_where_ipv6_is_disabled(void **state)
{
	static const struct options no_ipv6 = { .no_ipv6 = true };

	(void)state;
	unchanged("[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n", "[Interface]\nAddress = 10.0.0.1/24\n", &no_ipv6);
	check("[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n", "[Interface]\nAddress = 10.0.0.1/24\n", NULL,
	      "[Interface]\nAddress = 10.0.0.1/24\n");
}

static void chosen_values_are_not_saved(void **state)
{
	static const struct options chosen = { .chosen = true };

	(void)state;
	/* The port and the mark that were chosen when the file named none, and the MTU. */
	unchanged("[Interface]\n", "[Interface]\nFwMark = 0xca6c\nMTU = 1420\nListenPort = 40000\n", &chosen);
	unchanged("[Interface]\nFwMark = off\nListenPort = 0\n", "[Interface]\nFwMark = 0xca6c\nListenPort = 40000\n",
		  &chosen);
	check("[Interface]\nFwMark = off\n", "[Interface]\nListenPort = 7\nFwMark = 9\n", NULL,
	      "[Interface]\nFwMark = 0x9\nListenPort = 7\n");
	check("[Interface]\nFwMark = 1\nMTU = 1300\nListenPort = 5\n",
	      "[Interface]\nFwMark = 2\nMTU = 1400\nListenPort = 6\n", &chosen,
	      "[Interface]\nFwMark = 0x2\nMTU = 1400\nListenPort = 6\n");
	check("[Interface]\nFwMark = 1\n", "[Interface]\n", NULL, "[Interface]\nFwMark = off\n");
}

static void the_effective_section_is_edited(void **state)
{
	(void)state;
	check("[Interface]\nMTU = 1300\nPrivateKey = " PRIVATE "\n[Peer]\nPublicKey = " A "\n[Interface]\nMTU = 1301\n",
	      "[Interface]\nMTU = 1400\nPrivateKey = " OTHER_PRIVATE "\n[Peer]\nPublicKey = " A "\n", NULL,
	      "[Interface]\nMTU = 1300\nPrivateKey = " OTHER_PRIVATE "\n[Peer]\nPublicKey = " A "\n[Interface]\nMTU = 1400\n");
}

static void a_list_is_replaced_by_another(void **state)
{
	(void)state;
	check("[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24 # home\nPersistentKeepalive = 5\n",
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.2.0.0/24\nPersistentKeepalive = 5\n", NULL,
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.2.0.0/24 # home\nPersistentKeepalive = 5\n");
	check("[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\nAllowedIPs = 10.1.1.0/24\n",
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.2.0.0/24, 10.3.0.0/24\n", NULL,
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.2.0.0/24, 10.3.0.0/24\n");
	check("[Interface]\nAddress = 10.1.0.1/24\nMTU = 1400\n", "[Interface]\nAddress = 10.2.0.1/24\nMTU = 1400\n", NULL,
	      "[Interface]\nAddress = 10.2.0.1/24\nMTU = 1400\n");
}

/* Every spelling that the parser accepts. */
static void spellings(void **state)
{
	(void)state;
	check("[ Interface ]\nPrivate Key = " PRIVATE "\nListen\tPort = 1\n[ Peer ]\nPublic Key = Jixsag44W8 CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\n"
	      "Allowed IPs = 10.0.0.1 / 32, 10.0.0.2/ 32\n[peer]\nPublicKey = " B "\n",
	      "[Interface]\nPrivateKey = " OTHER_PRIVATE "\nListenPort = 2\n"
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.0.0.1/32, 10.0.0.3/32\n", NULL,
	      "[ Interface ]\nPrivate Key = " OTHER_PRIVATE "\nListen\tPort = 2\n[ Peer ]\nPublic Key = Jixsag44W8 CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\n"
	      "Allowed IPs = 10.0.0.1 / 32, 10.0.0.3/32\n");
	check("[Interface]\r\nListenPort = 1\r\n\r\n[Peer]\r\nPublicKey = " A "\r\n",
	      "[Interface]\nListenPort = 2\n[Peer]\nPublicKey = " A "\nPersistentKeepalive = 5\n[Peer]\nPublicKey = " B "\n", NULL,
	      "[Interface]\r\nListenPort = 2\r\n\r\n[Peer]\r\nPublicKey = " A "\r\nPersistentKeepalive = 5\r\n\r\n"
	      "[Peer]\r\nPublicKey = " B "\r\n");
}

static void several_sections_of_a_peer(void **state)
{
	const char *text = "[Peer]\nPublicKey = " A "\nPresharedKey = " PSK "\nAllowedIPs = 10.1.0.0/24\nPersistentKeepalive = 5\n"
			   "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.2.0.0/24\n";

	(void)state;
	unchanged(text, "[Peer]\nPublicKey = " A "\nPresharedKey = " PSK "\nAllowedIPs = 10.2.0.0/24\nPersistentKeepalive = 5\n", NULL);
	check(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\nPersistentKeepalive = 6\n", NULL,
	      "[Peer]\nPublicKey = " A "\nPersistentKeepalive = 6\n[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n");
	check(text, "[Interface]\n", NULL, "");
}

/* The last peer of the file that has a prefix gets it. */
static void prefixes_in_several_peers(void **state)
{
	const char *text = "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24, 10.2.0.0/24\n"
			   "[Peer]\nPublicKey = " B "\nAllowedIPs = 10.2.0.0/24 # b\n";

	(void)state;
	unchanged(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n[Peer]\nPublicKey = " B "\nAllowedIPs = 10.2.0.0/24\n", NULL);
	check(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n[Peer]\nPublicKey = " B "\n", NULL,
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n[Peer]\nPublicKey = " B "\n");
	check(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24, 10.2.0.0/24\n[Peer]\nPublicKey = " B "\n", NULL,
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24, 10.2.0.0/24\n[Peer]\nPublicKey = " B "\n");
	check(text, "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n", NULL,
	      "[Peer]\nPublicKey = " A "\nAllowedIPs = 10.1.0.0/24\n");
}

static void a_key_is_compared_as_the_device_clamps_it(void **state)
{
	(void)state;
	/* 32 bytes of 0x11, and what a device makes of them. */
	unchanged("[Interface]\nPrivateKey = ERERERERERERERERERERERERERERERERERERERERERE=\n", "[Interface]\nPrivateKey = EBEREREREREREREREREREREREREREREREREREREREVE=\n", NULL);
}

static void a_file_without_interface(void **state)
{
	(void)state;
	check("# mine\n[Peer]\nPublicKey = " A "\n",
	      "[Interface]\nPrivateKey = " PRIVATE "\nAddress = 10.0.0.1/24\nListenPort = 7\n[Peer]\nPublicKey = " A "\n", NULL,
	      "[Interface]\nAddress = 10.0.0.1/24\nListenPort = 7\nPrivateKey = " PRIVATE "\n\n# mine\n[Peer]\nPublicKey = " A "\n");
}

static void other_comments_stay(void **state)
{
	(void)state;
	check("[Interface]\n"
	      "\n"
	      "### begin alice ###\n"
	      "[Peer]\n"
	      "PublicKey = " A "\n"
	      "### end alice ###\n"
	      "### begin bob ###\n"
	      "[Peer]\n"
	      "PublicKey = " B "\n"
	      "### end bob ###\n"
	      "\n"
	      "#[Peer]\n"
	      "#PublicKey = " A "\n"
	      "\n"
	      "# carol\n"
	      "[Peer]\n"
	      "PublicKey = " C "\n"
	      "\n"
	      "# the end\n",
	      "[Peer]\nPublicKey = " A "\n", NULL,
	      "[Interface]\n"
	      "\n"
	      "### begin alice ###\n"
	      "[Peer]\n"
	      "PublicKey = " A "\n"
	      "### end alice ###\n"
	      "### end bob ###\n"
	      "\n"
	      "#[Peer]\n"
	      "#PublicKey = " A "\n"
	      "\n"
	      "# the end\n");
}

static void blank_lines_do_not_multiply(void **state)
{
	static const char *const files[] = { "[Interface]\nListenPort = 5\n", "[Interface]\nListenPort = 5\n\n\n",
					     "[Interface]\nListenPort = 5\n\n[Peer]\nPublicKey = " A "\n# end\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct text more = text_heap();
		char *with, *without;
		text_f(&more, "%s[Peer]\nPublicKey = %s\n[Peer]\nPublicKey = %s\n", files[i], B, C);
		with = save(files[i], more.p, NULL);
		assert_non_null(with);
		without = save(with, files[i], NULL);
		assert_non_null(without);
		assert_string_equal(without, files[i]);
		free(with);
		free(without);
		text_heap_free(&more);
	}
	/* In the middle. */
	check("[Peer]\nPublicKey = " A "\n\n\n[Peer]\nPublicKey = " B "\n\n\n[Peer]\nPublicKey = " C "\n",
	      "[Peer]\nPublicKey = " A "\n[Peer]\nPublicKey = " C "\n", NULL,
	      "[Peer]\nPublicKey = " A "\n\n\n[Peer]\nPublicKey = " C "\n");
	check("[Peer]\nPublicKey = " A "\n\n[Peer]\nPublicKey = " B "\n", "[Peer]\nPublicKey = " B "\n", NULL,
	      "[Peer]\nPublicKey = " B "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disabled_peers_stay),
		cmocka_unit_test(the_same_state_changes_nothing),
		cmocka_unit_test(comments_names_order_and_spelling_stay),
		cmocka_unit_test(peers_are_added_and_removed),
		cmocka_unit_test(settings_of_a_peer_are_removed),
		cmocka_unit_test(host_names_stay),
		cmocka_unit_test(lines_of_allowedips_stay_apart),
		cmocka_unit_test(addresses_are_added_and_removed),
		cmocka_unit_test(addresses_stay_where_ipv6_is_disabled),
		cmocka_unit_test(chosen_values_are_not_saved),
		cmocka_unit_test(the_effective_section_is_edited),
		cmocka_unit_test(a_list_is_replaced_by_another),
		cmocka_unit_test(spellings),
		cmocka_unit_test(several_sections_of_a_peer),
		cmocka_unit_test(prefixes_in_several_peers),
		cmocka_unit_test(a_key_is_compared_as_the_device_clamps_it),
		cmocka_unit_test(a_file_without_interface),
		cmocka_unit_test(other_comments_stay),
		cmocka_unit_test(blank_lines_do_not_multiply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
