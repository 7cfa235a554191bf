/* The plan of `up`: the exact commands, and their order. */
#include "model_host.h"

#include "quick/plan/up.h"

struct fixture {
	struct model_host host;
	struct tunnel_file file;
	struct plan plan;
	char warnings[1024];
};

static void note_warning(void *ctx, const char *text)
{
	struct fixture *f = ctx;

	strncat(f->warnings, text, sizeof f->warnings - strlen(f->warnings) - 1);
}

static void plan_all(struct fixture *f)
{
	struct plan_options o = { .hooks = true, .warn = note_warning, .ctx = f };

	assert_int_equal(plan_interface(&f->plan, &f->file, &o), 0);
	assert_int_equal(plan_tunnel(&f->plan, &f->file, &f->host.state, &o), 0);
}

static void release(struct fixture *f)
{
	plan_free(&f->plan);
	model_host_free(&f->host);
	tunnel_file_free(&f->file);
}

static void routes_longest_first(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\nAddress = 10.1.1.1/32\n" PEER "AllowedIPs = 10.1.1.11/32,192.168.1.0/24\n" PEER
		   "AllowedIPs = 10.1.1.12/32, 172.16.1.0/24, 10.1.1.12/32\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.1.1.1/32 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add 10.1.1.12/32 dev wg0\n"
			      "[#] ip -4 route add 10.1.1.11/32 dev wg0\n"
			      "[#] ip -4 route add 192.168.1.0/24 dev wg0\n"
			      "[#] ip -4 route add 172.16.1.0/24 dev wg0\n");
	release(&f);
}

static void covered_routes_are_left_out(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\nAddress = 10.0.0.1/24 fd00::1, 10.5.0.1 peer 10.5.0.2/32\nMTU = 1280\n" PEER
		   "AllowedIPs = 10.0.0.2/32, 10.0.0.0/24, 10.0.0.0/16, fd00::1/128, 10.5.0.2/32\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
			      "[#] ip -6 address add fd00::1 dev wg0\n"
			      "[#] ip -4 address add 10.5.0.1 peer 10.5.0.2/32 dev wg0\n"
			      "[#] ip link set mtu 1280 up dev wg0\n"
			      "[#] ip -4 route add 10.0.0.0/16 dev wg0\n");
	release(&f);
}

static void addresses_without_route_cover_nothing(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\nAddress = 10.0.0.1/0, 10.1.0.1/32\nMTU = 1280\n" PEER "AllowedIPs = 10.0.0.0/8, 10.1.0.1/32\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.0.0.1/0 dev wg0\n"
			      "[#] ip -4 address add 10.1.0.1/32 dev wg0\n"
			      "[#] ip link set mtu 1280 up dev wg0\n"
			      "[#] ip -4 route add 10.1.0.1/32 dev wg0\n"
			      "[#] ip -4 route add 10.0.0.0/8 dev wg0\n");
	release(&f);
}

static const char full[] = "[Interface]\nAddress = 10.0.0.2/24\nDNS = 10.0.0.1\nPreUp = a %i;b # c\n"
			   "PostUp = %%i\nPostDown = d\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n";

static void default_routes(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, full);
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] a wg0;b # c\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51820\n"
			      "[#] ip -4 address add 10.0.0.2/24 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] resolvconf -a wg0 -m 0 -x\n"
			      "[#] ip -6 route add unreachable ::/0 metric 32767 table 51820 proto kernel\n"
			      "[#] ip -6 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -6 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -6 route add ::/0 dev wg0 table 51820\n"
			      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
			      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
			      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n"
			      "[#] %wg0\n");
	release(&f);
}

/* At no moment does a packet for the tunnel leave by the old route, nor when the interface is gone. */
static void unreachable_before_the_first_rule(void **state)
{
	struct fixture f = { 0 };
	int guard = 0, in_table = 0;

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, full);
	plan_all(&f);
	for (size_t i = 0; i < f.plan.n; i++) {
		const struct step *s = &f.plan.steps[i];
		if (s->kind == STEP_FIREWALL)
			guard++;
		if (s->kind == STEP_ADDRESS)
			assert_int_equal(guard, 2); /* guarded before it exists */
		if (s->kind == STEP_ROUTE && s->route.table == 51820 && s->route.unreachable) {
			assert_false(s->remove);
			in_table++;
		}
		if (s->kind == STEP_RULE)
			assert_true(in_table > 0);
	}
	assert_int_equal(in_table, 2);
	release(&f);
}

static void rules_go_where_the_kernel_would_put_them(void **state)
{
	struct fixture f = { 0 };
	uint32_t prefs[2] = { 0 };
	size_t n = 0;

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	plan_all(&f);
	for (size_t i = 0; i < f.plan.n; i++)
		if (f.plan.steps[i].kind == STEP_RULE)
			prefs[n++ & 1] = f.plan.steps[i].rule.pref;
	assert_int_equal(n, 2);
	assert_int_equal(prefs[0], 32765);
	assert_int_equal(prefs[1], 32764);
	release(&f);
}

static void second_tunnel_keeps_out_of_the_first(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	f.host.state.rules.list[1] = (struct step_rule){ .family = IP_V4, .invert = true, .pref = 32765,
						    .mark = 51820, .table = 51820 };
	f.host.state.free_table = 51821;
	f.host.state.src_valid_mark = 1;
	model_read_file(&f.file, "[Interface]\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] nft -f /dev/fd/63\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51821\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51821 proto kernel\n"
			      "[#] ip -4 rule add not fwmark 51821 table 51821\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 rule add fwmark 51820 table main\n"
			      "[#] ip -4 rule add fwmark 51821 table main\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51821\n");
	release(&f);
}

static void tables(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\nAddress = 10.0.0.1/8\nTable = 777\n" PEER "AllowedIPs = 10.0.0.2/32,0.0.0.0/0\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip -4 address add 10.0.0.1/8 dev wg0\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add 10.0.0.2/32 dev wg0 table 777\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 777\n");
	release(&f);
	f = (struct fixture){ 0 };
	model_host_init(&f.host);
	model_read_file(&f.file, "[Interface]\nTable = OFF\n" PEER "AllowedIPs = 10.0.0.2/32,0.0.0.0/0\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] ip link set mtu 1420 up dev wg0\n");
	release(&f);
}

static void without_ipv6_and_firewall(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	f.host.state.ipv6 = false;
	f.host.state.firewall = FIREWALL_NONE;
	model_read_file(&f.file, "[Interface]\nAddress = fd00::1/64\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n");
	plan_all(&f);
	assert_lines(&f.plan, "[#] ip link add dev wg0 type wireguard\n"
			      "[#] wg addconf wg0 /dev/fd/63\n"
			      "[#] wg set wg0 fwmark 51820\n"
			      "[#] ip link set mtu 1420 up dev wg0\n"
			      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
			      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
			      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
			      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
			      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n");
	assert_non_null(strstr(f.warnings, "IPv6 is disabled"));
	assert_non_null(strstr(f.warnings, "neither nft nor iptables"));
	release(&f);
}

/* The steps about IPv6 of a tunnel, and its warnings. */
static void assert_ipv6(struct fixture *f, const char *text, const char *lines, const char *warnings)
{
	struct text t = text_heap();

	model_read_file(&f->file, text);
	plan_all(f);
	for (size_t i = 0; i < f->plan.n; i++) {
		size_t before = t.n;
		step_print(&t, &f->plan, &f->plan.steps[i], false);
		if (!strstr(t.p + before, "ip -6 ") && !strstr(t.p + before, " mtu "))
			t.n = before;
	}
	t.p[t.n] = '\0';
	assert_string_equal(t.p, lines);
	assert_string_equal(f->warnings, warnings);
	text_heap_free(&t);
	model_perform(&f->host, &f->plan);
	release(f);
	*f = (struct fixture){ 0 };
	model_host_init(&f->host);
}

#define DUAL "Address = 10.0.0.1/24, fd00::1/64\n"

static void mtu_too_small_for_ipv6(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	assert_ipv6(&f, "[Interface]\n" DUAL "MTU = 1279\n" PEER "AllowedIPs = 10.1.0.0/16, fd01::/64\n",
		    "[#] ip link set mtu 1279 up dev wg0\n",
		    "an MTU of 1279 is too small for IPv6, which needs 1280: IPv6 addresses and routes are left out");
	assert_ipv6(&f, "[Interface]\nMTU = 1279\n" PEER "AllowedIPs = fd01::/64\n", "[#] ip link set mtu 1279 up dev wg0\n",
		    "an MTU of 1279 is too small for IPv6, which needs 1280: IPv6 routes are left out");
	assert_ipv6(&f, "[Interface]\nMTU = 1279\nTable = off\n" PEER "AllowedIPs = fd01::/64\n",
		    "[#] ip link set mtu 1279 up dev wg0\n", "");
	f.host.state.ipv6_elsewhere = true;
	assert_ipv6(&f, "[Interface]\n" DUAL "MTU = 1279\n" PEER "AllowedIPs = ::/0, fd01::/64\n",
		    "[#] ip link set mtu 1279 up dev wg0\n"
		    "[#] ip -6 route add unreachable ::/0 metric 32767 table 51820 proto kernel\n"
		    "[#] ip -6 rule add not fwmark 51820 table 51820\n"
		    "[#] ip -6 rule add table main suppress_prefixlength 0\n",
		    "an MTU of 1279 is too small for IPv6, which needs 1280: IPv6 addresses and routes are left out, and IPv6 "
		    "traffic to other networks is blocked");
	release(&f);
}

static void automatic_mtu_with_ipv6(void **state)
{
	static const char fragments[] = "the path to the endpoints has an MTU of 1359: full-size packets will be fragmented, because IPv6 "
					"needs an MTU of 1280 in the tunnel";
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	f.host.state.path_mtu = 1360;
	assert_ipv6(&f, "[Interface]\n" PEER "AllowedIPs = fd01::/64\n",
		    "[#] ip link set mtu 1280 up dev wg0\n[#] ip -6 route add fd01::/64 dev wg0\n", "");
	f.host.state.path_mtu = 1359;
	assert_ipv6(&f, "[Interface]\n" PEER "AllowedIPs = fd01::/64\n",
		    "[#] ip link set mtu 1280 up dev wg0\n[#] ip -6 route add fd01::/64 dev wg0\n", fragments);
	f.host.state.path_mtu = 1359;
	assert_ipv6(&f, "[Interface]\nAddress = fd00::1/64\n" PEER,
		    "[#] ip -6 address add fd00::1/64 dev wg0\n[#] ip link set mtu 1280 up dev wg0\n", fragments);
	f.host.state.path_mtu = 1359;
	f.host.state.ipv6_of_hooks = true;
	assert_ipv6(&f, "[Interface]\n" PEER, "[#] ip link set mtu 1280 up dev wg0\n", fragments);
	f.host.state.path_mtu = 1359;
	assert_ipv6(&f, "[Interface]\nAddress = fe80::1/64\n" PEER "AllowedIPs = 10.1.0.0/16\n",
		    "[#] ip link set mtu 1279 up dev wg0\n", "");
	f.host.state.path_mtu = 1359;
	f.host.state.ipv6 = false;
	assert_ipv6(&f, "[Interface]\n" DUAL PEER "AllowedIPs = 10.1.0.0/16\n", "[#] ip link set mtu 1279 up dev wg0\n",
		    "IPv6 is disabled on this host: IPv6 addresses and routes are left out");
	release(&f);
}

static void kernel_without_ipv6_rules(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	model_without_ipv6_rules(&f.host);
	assert_ipv6(&f, "[Interface]\n" DUAL PEER "AllowedIPs = fd01::/64, ::/0\n",
		    "[#] ip -6 address add fd00::1/64 dev wg0\n[#] ip link set mtu 1420 up dev wg0\n"
		    "[#] ip -6 route add fd01::/64 dev wg0\n",
		    "the kernel has no IPv6 policy rules: the IPv6 default route is left out");
	model_without_ipv6_rules(&f.host);
	f.host.state.ipv6_elsewhere = true;
	assert_ipv6(&f, "[Interface]\n" DUAL PEER "AllowedIPs = fd01::/64, 0.0.0.0/0, ::/0\n",
		    "[#] ip -6 address add fd00::1/64 dev wg0\n[#] ip link set mtu 1420 up dev wg0\n"
		    "[#] ip -6 route add fd01::/64 dev wg0\n[#] ip -6 route add unreachable ::/0 metric 1 proto kernel\n",
		    "the kernel has no IPv6 policy rules: the IPv6 default route is left out, and IPv6 traffic to other networks "
		    "is blocked");
	model_without_ipv6_rules(&f.host);
	assert_ipv6(&f, "[Interface]\n" DUAL "Table = 77\n" PEER "AllowedIPs = fd01::/64, ::/0\n",
		    "[#] ip -6 address add fd00::1/64 dev wg0\n[#] ip link set mtu 1420 up dev wg0\n",
		    "the kernel has no IPv6 policy rules: IPv6 routes for table 77 are left out");
	release(&f);
}

/* The unreachable route in the main table would hold them back. */
static void endpoints_behind_a_blocked_default_route(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	model_host_init(&f.host);
	f.host.state.ipv6_elsewhere = true;
	model_read_file(&f.file, "[Interface]\n" DUAL PEER "AllowedIPs = ::/0\nEndpoint = [2001:db8::1]:1\n");
	assert_false(default_route_blocks_endpoints(&f.file, &f.host.state));
	model_without_ipv6_rules(&f.host);
	assert_true(default_route_blocks_endpoints(&f.file, &f.host.state));
	f.host.state.ipv6_elsewhere = false;
	assert_false(default_route_blocks_endpoints(&f.file, &f.host.state));
	f.host.state.ipv6_elsewhere = true;
	f.file.device.peers[0].endpoint.addr = ip_v4((const uint8_t[]){ 192, 0, 2, 1 });
	assert_false(default_route_blocks_endpoints(&f.file, &f.host.state));
	release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_longest_first),
		cmocka_unit_test(covered_routes_are_left_out),
		cmocka_unit_test(addresses_without_route_cover_nothing),
		cmocka_unit_test(default_routes),
		cmocka_unit_test(unreachable_before_the_first_rule),
		cmocka_unit_test(rules_go_where_the_kernel_would_put_them),
		cmocka_unit_test(second_tunnel_keeps_out_of_the_first),
		cmocka_unit_test(tables),
		cmocka_unit_test(without_ipv6_and_firewall),
		cmocka_unit_test(mtu_too_small_for_ipv6),
		cmocka_unit_test(automatic_mtu_with_ipv6),
		cmocka_unit_test(kernel_without_ipv6_rules),
		cmocka_unit_test(endpoints_behind_a_blocked_default_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
