/* The keys that change which routes are added, and how: the exact steps of `up` and `reload`, after which nothing differs. */
#include "diff_tunnel.h"

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define INTERFACE "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n"
#define SPLIT PEER "AllowedIPs = 10.1.0.0/16, fd01::/64\n"

/* Metric 50 in each table, for both families. */
static void metric_of_routes(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "RouteMetric = 50\n" SPLIT);
	assert_reload(&t, INTERFACE "RouteMetric = 50\n" SPLIT, "", "");
	assert_int_equal(t.host.all_routes.n, 2);
	assert_int_equal(t.host.all_routes.list[0].metric, 50);
	assert_int_equal(t.host.all_routes.list[1].metric, 50);
	assert_reload(&t, INTERFACE "RouteMetric = 50\n" PEER "AllowedIPs = 10.2.0.0/16, fd01::/64\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips fd01::/64,10.2.0.0/16\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0 metric 50\n"
		      "[#] ip -4 route add 10.2.0.0/16 dev wg0 metric 50\n");
	take_down(&t);
}

/* The new route is added before the old one is removed. */
static void metric_changes(void **state)
{
	static const char *const others[] = { "51", "4294967295" };
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "RouteMetric = 50\n" SPLIT);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		char text[512], lines[512];
		struct text file = text_fixed(text, sizeof text), wanted = text_fixed(lines, sizeof lines);
		text_f(&file, INTERFACE "RouteMetric = %s\n" SPLIT, others[i]);
		text_f(&wanted, "[#] ip -6 route add fd01::/64 dev wg0 metric %s\n"
		       "[#] ip -6 route delete fd01::/64 dev wg0 metric 50\n"
		       "[#] ip -4 route add 10.1.0.0/16 dev wg0 metric %s\n"
		       "[#] ip -4 route delete 10.1.0.0/16 dev wg0 metric 50\n", others[i], others[i]);
		assert_reload(&t, text, "", lines);
	}
	assert_reload(&t, INTERFACE "RouteMetric = 0\n" SPLIT, "",
		      "[#] ip -6 route add fd01::/64 dev wg0\n"
		      "[#] ip -6 route delete fd01::/64 dev wg0 metric 50\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0 metric 50\n");
	take_down(&t);
	bring_up(&t, INTERFACE SPLIT);
	assert_reload(&t, INTERFACE "RouteMetric = 50\n" SPLIT, "",
		      "[#] ip -6 route add fd01::/64 dev wg0 metric 50\n"
		      "[#] ip -6 route delete fd01::/64 dev wg0 metric 1024\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0 metric 50\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

/* 1024 is the kernel's default of IPv6. */
static void metric_of_the_kernel(void **state)
{
	const struct step_route v4 = { .prefix.addr.family = IP_V4 }, v6 = { .prefix.addr.family = IP_V6 };

	(void)state;
	assert_int_equal(route_metric_shown(&v4), 0);
	assert_int_equal(route_metric_shown(&v6), 1024);
}

static void the_route_of_a_removed_address_becomes_that_of_an_allowed_ip(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n" PEER "AllowedIPs = 10.0.0.0/24, fd00::/64\n");
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/32, fd00::1/128\n" PEER "AllowedIPs = 10.0.0.0/24, fd00::/64\n", "",
		      "[#] ip -4 address add 10.0.0.1/32 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip -6 address add fd00::1/128 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
		      "[#] ip -6 route add fd00::/64 dev wg0\n"
		      "[#] ip -4 route add 10.0.0.0/24 dev wg0\n");
	take_down(&t);
}

static void the_route_of_an_address_has_no_metric(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24\n" PEER "AllowedIPs = 10.0.0.0/24, 10.1.0.0/16\n");
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24\nRouteMetric = 5\n" PEER "AllowedIPs = 10.0.0.0/24, 10.1.0.0/16\n", "",
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0 metric 5\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

/* 10.0.0.0/15 and 10.0.0.0/16 have parts in common. */
static void common_parts_are_removed_once(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "ExcludeIPs = 10.0.0.0/17\n" PEER "AllowedIPs = 10.0.0.0/15, 10.0.0.0/16, 10.9.0.0/16\n");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.9.0.0/16\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.9.0.0/16\n"
		      "[#] ip -4 route delete 10.0.128.0/17 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

static void ipv6_routes_with_routes_key_are_removed_before_the_mtu_changes(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "MTU = 1400\n" PEER "AllowedIPs = fd01::/64\nRoutes = fd01::/64\n");
	assert_reload(&t, INTERFACE "MTU = 1200\n" PEER "AllowedIPs = fd01::/64\nRoutes = fd01::/64\n", "",
		      "[#] ip -6 route delete fd01::/64 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip link set mtu 1200 dev wg0\n");
	take_down(&t);
}

static void the_route_of_a_new_address_replaces_those_inside(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.5.0.1/32\nRouteMetric = 7\n" PEER "AllowedIPs = 10.0.0.7/32, 10.1.0.0/16\n");
	assert_reload(&t, "[Interface]\nAddress = 10.5.0.1/32, 10.0.0.1/24\n" PEER "AllowedIPs = 10.0.0.7/32, 10.1.0.0/16\n", "",
		      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0 metric 7\n"
		      "[#] ip -4 route delete 10.0.0.7/32 dev wg0 metric 7\n");
	take_down(&t);
}

static void the_additional_route_of_an_address_leaves_the_table(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = fd00::1/64\nTable = main\n" PEER "AllowedIPs = fd00::/64\n");
	assert_reload(&t, "[Interface]\nAddress = fd00::1/64\nTable = 777\n" PEER "AllowedIPs = fd00::/64\n", "",
		      "[#] ip -6 route delete fd00::/64 dev wg0 metric 1024\n"
		      "[#] ip -6 route add fd00::/64 dev wg0 table 777\n");
	take_down(&t);
}

/* The kernel adds no second route of IPv4 to the network of the address. */
static void the_route_of_an_address_is_that_of_an_allowed_ip(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24\nTable = main\n" PEER "AllowedIPs = 10.0.0.0/24, 10.1.0.0/16\n");
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24\nTable = main\n" PEER "AllowedIPs = 10.0.0.0/24\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.0.0.0/24\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0 table main\n");
	take_down(&t);
}

/* The default route of "Table = auto" is alone in its table; in a given table it has the metric. */
static void metric_and_default_routes(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "RouteMetric = 50\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n", "", "");
	assert_reload(&t, INTERFACE "RouteMetric = 40000\n" PEER "AllowedIPs = 0.0.0.0/0\n", "", "");
	take_down(&t);
	bring_up(&t, INTERFACE "Table = main\nRouteMetric = 50\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	assert_int_equal(t.host.all_routes.n, 1);
	assert_int_equal(t.host.all_routes.list[0].metric, 50);
	assert_reload(&t, INTERFACE "Table = 7\nRouteMetric = 60\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 metric 50\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 metric 60 table 7\n");
	take_down(&t);
}

#define FULL PEER "AllowedIPs = 0.0.0.0/0, ::/0\n"

/* The fewest prefixes, for each family. */
static void excluded_parts(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "ExcludeIPs = 10.1.128.0/18, 10.1.192.0/18, 192.0.2.0/24\n"
		 PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\n");
	assert_reload(&t, INTERFACE "ExcludeIPs = 10.1.128.0/17\n" PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\n", "", "");
	/* What takes over comes before what it replaces. */
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\n", "",
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/17 dev wg0\n");
	assert_reload(&t, INTERFACE "ExcludeIPs = 10.1.0.0/18, 10.2.0.0/16\n" PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\n", "",
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 10.1.64.0/18 dev wg0\n"
		      "[#] ip -4 route add 10.1.128.0/17 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/17 dev wg0\n");
	assert_reload(&t, INTERFACE "ExcludeIPs = 10.1.128.0/17\n" PEER "AllowedIPs = 10.2.0.0/16, fd01::/64\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.2.0.0/16,fd01::/64\n"
		      "[#] ip -4 route delete 10.1.0.0/17 dev wg0\n");
	take_down(&t);
	bring_up(&t, INTERFACE SPLIT);
	assert_reload(&t, INTERFACE "ExcludeIPs = fd01::1\nExcludeIPs = fd01::/65\n" SPLIT, "",
		      "[#] ip -6 route add fd01::8000:0:0:0/65 dev wg0\n"
		      "[#] ip -6 route delete fd01::/64 dev wg0\n");
	take_down(&t);
}

/* One throw route for each prefix, before the rules. */
static void excluded_from_a_default_route(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE SPLIT);
	assert_reload(&t, INTERFACE "ExcludeIPs = 192.168.0.0/16, fd77::/16\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 fwmark 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0\n"
		      "[#] ip -6 route delete fd01::/64 dev wg0\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 route add throw 192.168.0.0/16 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
	take_down(&t);
	bring_up(&t, INTERFACE "ExcludeIPs = 192.168.0.0/16, fd77::/16, 203.0.113.7\n" FULL);
	assert_reload(&t, INTERFACE "ExcludeIPs = 192.168.0.0/16, fd77::/16, 203.0.113.7\n" FULL, "", "");
	assert_reload(&t, INTERFACE "ExcludeIPs = 192.168.0.0/16, 198.51.100.0/24\n" FULL, "",
		      "[#] ip -6 route delete throw fd77::/16 metric 32767 table 51820\n"
		      "[#] ip -4 route add throw 198.51.100.0/24 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 route delete throw 203.0.113.7/32 metric 32767 table 51820\n");
	assert_reload(&t, INTERFACE SPLIT, "",
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=0\n"
		      "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
		      "[#] ip -4 rule delete table 51820\n"
		      "[#] ip -4 route delete throw 203.0.113.7/32 metric 32767 table 51820\n"
		      "[#] ip -4 route delete throw 192.168.0.0/16 metric 32767 table 51820\n"
		      "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] ip -6 rule delete table main suppress_prefixlength 0\n"
		      "[#] ip -6 rule delete table 51820\n"
		      "[#] ip -6 route delete throw fd77::/16 metric 32767 table 51820\n"
		      "[#] ip -6 route delete unreachable ::/0 metric 32767 table 51820\n"
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -6 route delete ::/0 dev wg0 table 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.1.0.0/16,fd01::/64\n"
		      "[#] ip -6 route add fd01::/64 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

/* Other programs remove one, or the mark, and with it the table, changes. */
static void throw_routes_are_repaired_and_moved(void **state)
{
	static const char excluded[] = INTERFACE "ExcludeIPs = 192.168.0.0/16\n" PEER "AllowedIPs = 0.0.0.0/0\n";
	struct step_route lost = { .throw = true, .table = 51820 };
	struct tunnel t;

	(void)state;
	bring_up(&t, excluded);
	assert_true(prefix_parse(&lost.prefix, SPAN("192.168.0.0/16"), NULL));
	model_routes_change(&t.host.all_routes, &lost, true);
	assert_reload(&t, excluded, "", "[#] ip -4 route add throw 192.168.0.0/16 metric 32767 table 51820 proto kernel\n");
	model_routes_change(&t.host.all_routes, &lost, false);
	assert_reload(&t, INTERFACE "FwMark = 7\nExcludeIPs = 192.168.0.0/16\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 fwmark 7\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 7 proto kernel\n"
		      "[#] ip -4 route add throw 192.168.0.0/16 metric 32767 table 7 proto kernel\n"
		      "[#] ip -4 rule add pref 32765 not fwmark 7 table 7\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 7\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
		      "[#] ip -4 route delete throw 192.168.0.0/16 metric 32767 table 51820\n"
		      "[#] ip -4 rule delete pref 32765 table 51820\n");
	take_down(&t);
}

/* Without an address of a family, the tunnel has no default route of it; in a given table, parts are added. */
static void all_is_excluded(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "ExcludeIPs = 0.0.0.0/1, 128.0.0.0/1\n" PEER "AllowedIPs = 0.0.0.0/0\n");
	assert_int_equal(t.host.all_routes.n, 0);
	assert_reload(&t, INTERFACE "Table = 7\nExcludeIPs = 0.0.0.0/2\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] ip -4 route add 64.0.0.0/2 dev wg0 table 7\n"
		      "[#] ip -4 route add 128.0.0.0/1 dev wg0 table 7\n");
	take_down(&t);
}

/* Instead of one for each allowed IP; the allowed IPs of the interface are those of the file. */
static void routes_of_a_peer(void **state)
{
	static const char some[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\nRoutes = 10.1.7.0/24, fd01::/65\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, some);
	assert_int_equal(t.host.all_routes.n, 2);
	assert_int_equal(t.host.state.device.peers[0].n_allowedips, 3);
	assert_reload(&t, some, "", "");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\nRoutes = off\n", "",
		      "[#] ip -4 route delete 10.1.7.0/24 dev wg0\n"
		      "[#] ip -6 route delete fd01::/65 dev wg0\n");
	/* What takes over comes first. */
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\n", "",
		      "[#] ip -6 route add fd01::/64 dev wg0\n"
		      "[#] ip -4 route add 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.1.7.0/24 dev wg0\n"
		      "[#] ip -6 route delete fd01::/65 dev wg0\n");
	assert_reload(&t, INTERFACE "ExcludeIPs = 10.1.7.0/25\nRouteMetric = 9\n" PEER
		      "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, fd01::/64\nRoutes = 10.1.7.0/24\n", "",
		      "[#] ip -6 route delete fd01::/65 dev wg0\n"
		      "[#] ip -4 route add 10.1.7.128/25 dev wg0 metric 9\n"
		      "[#] ip -4 route delete 10.1.7.0/24 dev wg0\n");
	take_down(&t);
	bring_up(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\nRoutes = 10.1.0.0/17\n", "",
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/17 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
	t.journaled = false;
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\nRoutes = off\n", "",
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n");
	take_down(&t);
}

/* Without a default route there are neither rules nor a mark. */
static void a_full_peer_without_its_default_route(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0, ::/0\nRoutes = 10.9.0.0/16\n");
	assert_int_equal(t.host.all_routes.n, 1);
	assert_int_equal(t.host.state.device.fwmark, 0);
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0, ::/0\nRoutes = 10.9.0.0/16\n", "", "");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0, ::/0\nRoutes = 0.0.0.0/0\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 fwmark 51820\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n"
		      "[#] ip -4 route delete 10.9.0.0/16 dev wg0\n");
	take_down(&t);
	bring_up(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0\nRoutes = off\n", "",
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=0\n"
		      "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
		      "[#] ip -4 rule delete table 51820\n"
		      "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n");
	take_down(&t);
}

/* In a namespace a default route is a route, and commands name the namespace. */
static void default_route_in_a_namespace(void **state)
{
	static const char inside[] = INTERFACE "Netns = private\nRouteMetric = 5\n" PEER "AllowedIPs = 0.0.0.0/0, ::/0\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, inside);
	assert_int_equal(t.host.all_routes.n, 2);
	assert_int_equal(t.host.state.device.fwmark, 0);
	assert_string_equal(t.applied.plan.netns, "private");
	assert_reload(&t, inside, "", "");
	assert_reload(&t, INTERFACE "Netns = private\nMTU = 1400\nExcludeIPs = 128.0.0.0/1\nRouteMetric = 5\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] ip netns exec private wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0\n"
		      "[#] ip -n private -6 route delete ::/0 dev wg0 metric 5\n"
		      "[#] ip -n private link set mtu 1400 dev wg0\n"
		      "[#] ip -n private -4 route add 0.0.0.0/1 dev wg0 metric 5\n"
		      "[#] ip -n private -4 route delete 0.0.0.0/0 dev wg0 metric 5\n");
	take_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metric_of_routes),
		cmocka_unit_test(metric_changes),
		cmocka_unit_test(the_route_of_an_address_has_no_metric),
		cmocka_unit_test(the_route_of_a_removed_address_becomes_that_of_an_allowed_ip),
		cmocka_unit_test(common_parts_are_removed_once),
		cmocka_unit_test(ipv6_routes_with_routes_key_are_removed_before_the_mtu_changes),
		cmocka_unit_test(the_route_of_a_new_address_replaces_those_inside),
		cmocka_unit_test(the_route_of_an_address_is_that_of_an_allowed_ip),
		cmocka_unit_test(the_additional_route_of_an_address_leaves_the_table),
		cmocka_unit_test(metric_of_the_kernel),
		cmocka_unit_test(metric_and_default_routes),
		cmocka_unit_test(excluded_parts),
		cmocka_unit_test(excluded_from_a_default_route),
		cmocka_unit_test(throw_routes_are_repaired_and_moved),
		cmocka_unit_test(all_is_excluded),
		cmocka_unit_test(routes_of_a_peer),
		cmocka_unit_test(a_full_peer_without_its_default_route),
		cmocka_unit_test(default_route_in_a_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
