/* What name resolution of a program in a tunnel reads: never a service that runs outside. */
#include "model_host.h"

#include "quick/plan/private_dns.h"

static void check_servers(const char *interface, const char *allowedips, const char *host, size_t n, const char *expected)
{
	struct text config = text_heap(), t = text_heap();
	struct tunnel_file file = { 0 };

	text_f(&config, "[Interface]\nAddress = 10.1.1.1/24\n%s\n" PEER "AllowedIPs = %s\n", interface, allowedips);
	model_read_file(&file, config.p);
	assert_int_equal(private_resolv_conf_print(&t, &file, span_of(host)), n);
	assert_string_equal(strchr(t.p, '\n') + 1, expected);
	tunnel_file_free(&file);
	text_heap_free(&config);
	text_heap_free(&t);
}

static void servers_are_those_of_the_tunnel(void **state)
{
	(void)state;
	check_servers("DNS = 10.1.1.2, fd00::2, a.example", "0.0.0.0/0", "nameserver 192.0.2.1\n", 2,
		      "nameserver 10.1.1.2\nnameserver fd00::2\nsearch a.example\n");
}

static void servers_of_the_host_only_if_the_tunnel_reaches_them(void **state)
{
	static const char host[] = "# nameserver 192.0.2.9\noptions edns0\nnameserver 127.0.0.53\nnameserver\t192.0.2.1 \n"
				   "nameserver ::1\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\nsearch lan";

	(void)state;
	check_servers("", "0.0.0.0/0, ::/0", host, 2, "nameserver 192.0.2.1\nnameserver 2001:db8::1\n");
	check_servers("", "192.0.2.0/24", host, 1, "nameserver 192.0.2.1\n");
	check_servers("", "10.0.0.0/8", host, 0, "");
	check_servers("", "0.0.0.0/0", "", 0, "");
	check_servers("DNS = a.example", "::/0", host, 1, "search a.example\nnameserver 2001:db8::1\n");
}

static void check_nsswitch(const char *host, const char *expected)
{
	struct text t = text_heap();

	private_nsswitch_print(&t, span_of(host));
	assert_string_equal(t.p ? t.p : "", expected);
	text_heap_free(&t);
}

static void services_that_ask_outside_are_left_out(void **state)
{
	(void)state;
	check_nsswitch("passwd: files systemd\nhosts:\tmymachines resolve [!UNAVAIL=return] files [NOTFOUND=continue SUCCESS=return] "
		       "mdns4_minimal [NOTFOUND=return] dns[!UNAVAIL=return] myhostname # comment\nnetworks: files\n",
		       "passwd: files systemd\nhosts: files [NOTFOUND=continue SUCCESS=return] dns [!UNAVAIL=return] myhostname\n"
		       "networks: files\n");
	check_nsswitch("  hosts: resolve", "hosts: dns\n");
	check_nsswitch("hosts: files [broken", "hosts: files [broken dns\n");
	check_nsswitch("#hosts: resolve\n", "#hosts: resolve\n");
	check_nsswitch("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_are_those_of_the_tunnel),
		cmocka_unit_test(servers_of_the_host_only_if_the_tunnel_reaches_them),
		cmocka_unit_test(services_that_ask_outside_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
