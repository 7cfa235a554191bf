/* Findings that depend on several lines or files, the masking of secrets, and the order of what is found. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/vector.h"
#include "check/check.h"

#define PRIVATE_A "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUBLIC_A "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define PRIVATE_B "gI6EdUSYvn8ugXOt8QQD6Yc+JyiZxIhp3GInSWRfWGE="
#define PUBLIC_B "gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA="
#define PUBLIC_C "2LbLqgg0hGjsQ+Y15l+mPhEtGN53Uhvzj8n9dpxVqDQ="

static bool extra(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	(void)ctx;
	(void)d;
	return conf_is_quick_line(x->key, x->value, peer >= 0);
}

static void add(struct check *c, const char *path, const char *text)
{
	const struct check_input in = { .path = path, .text = span_of(text), .is_quick = true, .extra = extra };

	assert_true(check_add(c, &in));
}

/* All findings as text, "FILE:LINE:COL level id" one per line, warnings and errors only unless notes. */
static void expect(struct check *c, bool notes, const char *expected)
{
	struct text t = text_heap();

	assert_true(check_run(c));
	text_add(&t, "");
	for (size_t i = 0; i < c->n_found; i++) {
		struct diag_message m, note;
		check_message(c, i, &m, &note);
		if (notes || m.level != DIAG_NOTE)
			text_f(&t, "%s:%u:%u %s %s\n", m.at.file, m.at.line, m.at.column, diag_level_name(m.level), m.id);
	}
	assert_string_equal(t.p ? t.p : "", expected);
	text_heap_free(&t);
	check_free(c);
}

static void an_mtu_too_small_for_ipv6(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "a", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/24,fd00::1/64\nMTU=1279\n");
	add(&c, "b", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/24,fd00::1/64\nMTU=1280\n");
	add(&c, "c", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/24,fe80::1/64\nMTU=1000\n");
	expect(&c, true, "a:4:5 warning mtu-range\n");
}

static void disabled_peers_are_checked_for_syntax_only(void **state)
{
	struct check c = { 0 };

	(void)state;
	for (int disabled = 0; disabled < 2; disabled++) {
		char text[512];
		struct text t = text_fixed(text, sizeof text);
		text_f(&t, "[Interface]\nPrivateKey=" PRIVATE_A "\n[Peer]\nPublicKey=" PUBLIC_B "\nAllowedIPs=10.0.0.1/32,10.0.0.2/32\n"
			   "Endpoint=b.example:1\n%s[Peer]\nPublicKey=" PUBLIC_C "\nAllowedIPs=10.0.0.2/32\nEndpoint=c.example:1\n",
		       disabled ? "Disabled=yes\n" : "");
		add(&c, "a", text);
		expect(&c, false, disabled ? "" : "a:9:12 warning allowed-ips-moved\n");
	}
	add(&c, "a", "[Interface]\nPrivateKey=" PRIVATE_A "\n[Peer]\nDisabled=yes\nPublicKey=" PUBLIC_B "\nAllowedIPs=10.0.0.256/32\n");
	expect(&c, false, "a:6:12 error bad-address\n");
}

/* The address of one server is in the network that another server has. */
static void an_address_that_another_peer_has(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "client", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=192.168.42.100/24\n"
			  "[Peer]\nPublicKey=" PUBLIC_A "\nAllowedIPs=0.0.0.0/0, ::/0\nEndpoint=a:1\n"
			  "[Peer]\nPublicKey=" PUBLIC_C "\nAllowedIPs=192.168.42.2/32, 192.168.42.0/24\nEndpoint=c:1\n");
	add(&c, "server", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=192.168.42.1/24\nListenPort=1\n"
			  "[Peer]\nPublicKey=" PUBLIC_B "\nAllowedIPs=192.168.42.100/32\n");
	expect(&c, true, "client:6:12 note allowed-ips-shadow\nclient:10:29 warning allowed-ips-shadow\n");
}

static void neither_end_has_an_endpoint(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "a", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/24\nListenPort=1\n[Peer]\nPublicKey=" PUBLIC_B
		     "\nAllowedIPs=10.0.0.2/32\n");
	add(&c, "b", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=10.0.0.2/24\nListenPort=1\n[Peer]\nPublicKey=" PUBLIC_A
		     "\nAllowedIPs=10.0.0.1/32\n");
	expect(&c, true, "a:5:1 warning no-endpoint-anywhere\n");
}

static void a_network_behind_nat(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "hub", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/24\nListenPort=1\n[Peer]\nPublicKey=" PUBLIC_B
		       "\nAllowedIPs=10.0.0.2/32,192.168.7.0/24\n");
	add(&c, "site", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=10.0.0.2/24\n[Peer]\nPublicKey=" PUBLIC_A
			"\nAllowedIPs=10.0.0.0/24\nEndpoint=a:1\n");
	expect(&c, false, "site:7:10 warning keepalive-behind-nat\n");
}

static void a_file_without_a_private_key(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "a", "[Interface]\nListenPort=1\n[Peer]\nPublicKey=" PUBLIC_B "\nAllowedIPs=10.0.0.3/32\nEndpoint=b:1\n");
	add(&c, "b", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=10.0.0.2/24\nListenPort=1\n");
	expect(&c, false, "a:1:1 warning missing-private-key\na:4:11 warning address-not-allowed\n");
}

/* Files that are alternatives, and files that have nothing to do with each other. */
static void alternatives_are_not_compared(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "se1", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=10.64.0.7/32\n[Peer]\nPublicKey=" PUBLIC_A
		       "\nAllowedIPs=0.0.0.0/0,::/0\nEndpoint=a:1\n");
	add(&c, "se2", "[Interface]\nPrivateKey=" PRIVATE_B "\nAddress=10.64.0.7/32\n[Peer]\nPublicKey=" PUBLIC_C
		       "\nAllowedIPs=0.0.0.0/0,::/0\nEndpoint=c:1\n");
	add(&c, "other", "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.64.0.7/32\n");
	expect(&c, false, "se1:5:11 warning peer-not-mutual\n"); /* `other` has no peers at all */
}

static void the_order_is_that_of_files_lines_and_columns(void **state)
{
	struct check c = { 0 };

	(void)state;
	add(&c, "b", "[Interface]\nListenPort=x\nPostUp=\n[Peer]\nAllowedIPs=10.0.0.1/33,10.0.0.1/24\n");
	add(&c, "a", "[Interfaces]\n");
	expect(&c, true, "b:2:12 error bad-port\nb:3:1 note empty-hook\nb:4:1 error missing-public-key\n"
			 "b:5:12 error allowed-ips-range\nb:5:24 warning host-bits\na:1:1 error bad-section\n");
}

/* The source line of the first finding, as it is printed. */
static void expect_source(const char *text, unsigned int line, const char *expected)
{
	struct check c = { 0 };

	add(&c, "a", text);
	assert_true(check_run(&c));
	for (size_t i = 0; i < c.n_found; i++) {
		struct diag_message m, note;
		check_message(&c, i, &m, &note);
		if (m.at.line != line)
			continue;
		assert_int_equal(m.at.source.n, strlen(expected));
		assert_memory_equal(m.at.source.p, expected, m.at.source.n);
		check_free(&c);
		return;
	}
	fail();
}

static void secrets_are_masked(void **state)
{
	(void)state;
	expect_source("[Interface]\nprivate key = yAnz5TF+ lXXJ # x\n", 2, "private key = ******** **** * *");
	expect_source("[Interface]\nPrivatKey=" PRIVATE_A "\n", 2, "PrivatKey=********************************************");
	expect_source("[Interface]\nPrivatKey=yAnz5TF+lXXJte14.tji3zlMNq+hd2rYUI\n", 2, "PrivatKey=**********************************");
	expect_source("[Interface]\nListenPorts = 51820\n", 2, "ListenPorts = 51820");
	expect_source("[Interface]\n" PRIVATE_A "\n", 2, "********************************************");
	expect_source("[Interface]\nyAnz5TF+lXXJte14tji3 zlMNq+hd2rYUIgJBgB3fBmk =\n", 2, "******************** *********************** *");
	expect_source("[Interface]\nPrivateKey=" PRIVATE_A "\n[Peer]\nPublicKey=" PRIVATE_A "\n", 4,
		      "PublicKey=********************************************");
	expect_source("[Peer]\nPublicKey=" PUBLIC_A "\nPresharedKey=" PRIVATE_B "\n[Peer]\nPublicKey=" PUBLIC_A "\n", 5,
		      "PublicKey=" PUBLIC_A);
	expect_source("[Interface]\nPostUp = echo " PRIVATE_A " | wg set %i private-key /dev/stdin #\n", 2,
		      "PostUp = echo ******************************************** | wg set %i private-key /dev/stdin #");
	expect_source("[Interface]\nPostUp = /usr/local/lib/wireguard/scripts/up #\n", 2,
		      "PostUp = /usr/local/lib/wireguard/scripts/up #");
	expect_source("[Peer]\nEndpoint = " PRIVATE_A "\n", 2, "Endpoint = ********************************************");
	expect_source("[Peer]\nEndpoint = mycompanyvpnserverinamsterdam.example\n", 2,
		      "Endpoint = mycompanyvpnserverinamsterdam.example");
}

static void every_finding_has_a_page(void **state)
{
	size_t n = 0;

	(void)state;
	for (; check_id(n); n++) {
		struct text t = text_heap();
		assert_non_null(check_title(n));
		assert_true(check_explain(&t, check_id(n)));
		assert_true(n == 0 || strcmp(check_id(n - 1), check_id(n)) < 0);
		text_heap_free(&t);
	}
	assert_true(n > 50);
}

/* Many peers with the same key and allowed IP, each in another one's network. */
static void ten_thousand_peers(void **state)
{
	struct text t = text_heap();
	struct check c = { 0 };

	(void)state;
	text_add(&t, "[Interface]\nPrivateKey=" PRIVATE_A "\nAddress=10.0.0.1/8\nListenPort=1\n");
	for (unsigned int i = 0; i < 10000; i++)
		text_f(&t, "[Peer]\nPublicKey=" PUBLIC_B "\nAllowedIPs=10.%u.%u.0/24,10.0.0.0/16\nEndpoint=192.0.2.1:1\n", i / 256, i % 256);
	add(&c, "a", t.p);
	assert_true(check_run(&c));
	assert_int_equal(c.warnings, 9999); /* dup-peer */
	check_free(&c);
	text_heap_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disabled_peers_are_checked_for_syntax_only),
		cmocka_unit_test(an_mtu_too_small_for_ipv6),
		cmocka_unit_test(an_address_that_another_peer_has),
		cmocka_unit_test(neither_end_has_an_endpoint),
		cmocka_unit_test(a_network_behind_nat),
		cmocka_unit_test(a_file_without_a_private_key),
		cmocka_unit_test(alternatives_are_not_compared),
		cmocka_unit_test(the_order_is_that_of_files_lines_and_columns),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(every_finding_has_a_page),
		cmocka_unit_test(ten_thousand_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
