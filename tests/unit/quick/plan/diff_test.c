/* plan_diff(): the exact steps of a reload; after them nothing differs, and their inverses restore the state. */
#include "diff_tunnel.h"

#define INTERFACE "[Interface]\nAddress = 10.0.0.1/24\n"
#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define OTHER_KEY "0fL+RwDYPBZ9BSD/0o5uJjBVnDHyPBTbqNZ6mZ+nNHU="

/* The tests that begin with a split tunnel. */
static int bring_up_split(void **state)
{
	static struct tunnel t;

	bring_up(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n");
	*state = &t;
	return 0;
}

static int take_down_split(void **state)
{
	take_down(*state);
	return 0;
}

#define test_of_split(f) cmocka_unit_test_setup_teardown(f, bring_up_split, take_down_split)

static void routes_follow_allowed_ips(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n", "", "");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.3.0.0/16\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.1.0.0/16,10.3.0.0/16\n"
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 10.3.0.0/16 dev wg0\n");
	/* Covered by the route of the address, which is the kernel's. */
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16, 10.0.0.7/32\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips +10.0.0.7/32\n");
	take_down(&t);
}

static void an_address_covers_the_route_of_a_removed_allowed_ip(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.5.0.1/32\n" PEER "AllowedIPs = 10.1.0.0/16, 10.0.0.7/32\n");
	assert_reload(&t, INTERFACE "Address = 10.5.0.1/32\n" PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.1.0.0/16\n"
		      "[#] ip -4 route delete 10.0.0.7/32 dev wg0\n"
		      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n");
	take_down(&t);
}

static void routes_survive_the_last_address(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE PEER "AllowedIPs = 0.0.0.0/0, 10.0.0.0/24, 10.1.0.0/16, 10.2.0.0/16\n");
	assert_reload(&t, "[Interface]\nAddress = fd00::1/64\n" PEER "AllowedIPs = 0.0.0.0/0, 10.0.0.0/24, 10.1.0.0/16\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0,10.0.0.0/24,10.1.0.0/16\n"
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] ip -6 address add fd00::1/64 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 route add 10.0.0.0/24 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n");
	take_down(&t);
}

static void link_local_addresses_follow_the_file(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24, fe80::1/64\n");
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24, fe80::2/64\n", "",
		      "[#] ip -6 address add fe80::2/64 dev wg0\n"
		      "[#] ip -6 address delete fe80::1/64 dev wg0\n");
	take_down(&t);
}

static void peers_are_added_and_removed(void **state)
{
	struct tunnel *t = *state;

	assert_reload(t, INTERFACE OTHER_PEER "AllowedIPs = 10.1.0.0/16\nPersistentKeepalive = 25\n", "",
		      "[#] wg set wg0 peer " KEY " remove\n"
		      "[#] wg set wg0 peer " OTHER_KEY " persistent-keepalive 25 allowed-ips +10.1.0.0/16\n");
}

static void lost_and_foreign_routes(void **state)
{
	struct step_route lost = { .table = TABLE_MAIN }, foreign = { .table = TABLE_MAIN };
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n");
	assert_true(prefix_parse(&lost.prefix, SPAN("10.2.0.0/16"), NULL));
	assert_true(prefix_parse(&foreign.prefix, SPAN("192.0.2.0/24"), NULL));
	model_routes_change(&t.host.all_routes, &lost, true);
	model_routes_change(&t.host.all_routes, &foreign, false); /* of a hook: not an allowed IP */
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16, 10.2.0.0/16\n", "",
		      "[#] ip -4 route add 10.2.0.0/16 dev wg0\n");
	take_down(&t);
}

static const char routed[] = INTERFACE PEER "AllowedIPs = 0.0.0.0/0\n";

static void default_route_is_added(void **state)
{
	struct tunnel *t = *state;

	assert_reload(t, routed, "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 fwmark 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n");
}

/* The mark stays: it harms nobody, and may be used by rules of the administrator. */
static void default_route_is_removed(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	assert_reload(&t, routed, "", "");
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=0\n"
		      "[#] ip -4 rule delete table main suppress_prefixlength 0\n"
		      "[#] ip -4 rule delete table 51820\n"
		      "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.1.0.0/16\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

/* Any of its parts may have been removed by another program. */
static void default_route_is_repaired(void **state)
{
#define REPAIRED_ROUTE "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
	struct tunnel t;
	struct step_rule tunnel, suppress;
	struct step_route unreachable = { .unreachable = true, .table = 51820, .prefix.addr.family = IP_V4 };

	(void)state;
	bring_up(&t, routed);
	tunnel = *host_tunnel_rule(&t.host.state, IP_V4, 51820);
	suppress = (struct step_rule){ .family = IP_V4, .suppress = true, .table = TABLE_MAIN, .pref = tunnel.pref - 1 };
	/* The route, as when the interface was down for a moment. */
	model_link_is_gone(&t.host);
	assert_reload(&t, routed, "", REPAIRED_ROUTE);
	/* One rule. */
	model_rules_change(&t.host.state.rules, &tunnel, true);
	assert_reload(&t, routed, "", "[#] ip -4 rule add pref 32765 not fwmark 51820 table 51820\n"
		      REPAIRED_ROUTE);
	/* Both, as after "ip rule flush". */
	model_rules_change(&t.host.state.rules, &suppress, true);
	assert_reload(&t, routed, "", "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n" REPAIRED_ROUTE);
	/* And what keeps the traffic in. */
	model_routes_change(&t.host.all_routes, &unreachable, true);
	assert_reload(&t, routed, "", "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n" REPAIRED_ROUTE);
	take_down(&t);
}

/* Another program added rules in front, so that the tunnel's have no effect: they move. */
static void rules_are_moved(void **state)
{
	struct step_rule main = { .family = IP_V4, .table = TABLE_MAIN, .pref = 200 };
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	assert_int_equal(rules_insert(&t.host.state.rules, &main), 0);
	assert_reload(&t, routed, "", "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
		      "[#] ip -4 rule delete pref 32765 table 51820\n"
		      "[#] ip -4 rule delete pref 32764 table main suppress_prefixlength 0\n");
	take_down(&t);
}

static void lose_rules(struct tunnel *t, const char *left)
{
	free(t->host.state.firewall_rules[0]);
	t->host.state.firewall_rules[0] = left ? span_dup(span_of(left)) : NULL;
}

static void assert_lines_of_reload(struct tunnel *t, const char *text, const char *lines)
{
	struct reload r;

	reload_init(&r, t, t->journaled ? &t->applied : NULL, text);
	assert_lines(&r.plan, lines);
	reload_free(&r);
}

/* One of the rules, all of them, the table; and if that is not known, none. */
static void lost_firewall_rules_are_restored(void **state)
{
	static const char *const left[] = { "", "\t\ttype filter\n", "\t\tdaddr 10.0.0.1 drop\n\t\tsave\n",
					    "\t\tsave\n\t\trestore\n\t\tother\n",
					    "\t\tdaddr 10.0.0.1 drop\n\t\tdaddr 10.0.0.1 drop\n\t\tsave\n\t\trestore\n" };
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		lose_rules(&t, left[i]);
		assert_lines_of_reload(&t, routed, "[#] nft -f /dev/fd/63\n");
	}
	lose_rules(&t, NULL);
	assert_reload(&t, routed, "", "");
	t.journaled = false; /* as another program set them */
	lose_rules(&t, "\t\tdaddr 10.0.0.1 drop\n\t\tother\n");
	assert_reload(&t, routed, "", "");
	lose_rules(&t, "");
	assert_lines_of_reload(&t, routed, "[#] nft -f /dev/fd/63\n");
	take_down(&t);
}

/* Rules of one tool replace those of the other. */
static void the_tool_changes(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	t.host.state.firewall = FIREWALL_IPTABLES;
	assert_lines_of_reload(&t, routed, "[#] iptables-restore -n\n");
	t.host.state.firewall = FIREWALL_NONE;
	assert_lines_of_reload(&t, routed, "");
	take_down(&t);
}

static void mark_changes(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	assert_reload(&t, INTERFACE "FwMark = 77\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 fwmark 77\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 77 proto kernel\n"
		      "[#] ip -4 rule add pref 32765 not fwmark 77 table 77\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 77\n"
		      "[#] ip -4 route delete 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] ip -4 route delete unreachable 0.0.0.0/0 metric 32767 table 51820\n"
		      "[#] ip -4 rule delete pref 32765 table 51820\n");
	take_down(&t);
}

static void addresses_and_mtu(void **state)
{
	static const struct interface_address link_local = {
		.local = { .family = IP_V6, .b = { 0xfe, 0x80, [15] = 1 } }, .bits = 64
	};
	struct interface_address hook = { .bits = 128 };
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24, 10.0.1.1/24\n" PEER "AllowedIPs = 10.1.0.0/16\n");
	assert_true(ip_parse(&hook.local, SPAN("2001:db8::9")));
	assert_true(addresses_add(&t.host.state.addresses, &link_local));
	assert_true(addresses_add(&t.host.state.addresses, &hook));
	/* New ones first, so that the interface never is without. */
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\nMTU = 1280\n" PEER "AllowedIPs = 10.1.0.0/16\n",
		      "",
		      "[#] ip -6 address add fd00::1/64 dev wg0\n"
		      "[#] ip -4 address delete 10.0.1.1/24 dev wg0\n"
		      "[#] ip link set mtu 1280 dev wg0\n");
	t.host.state.link.up = false;
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24, 10.0.1.1/24\n" PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] ip link set mtu 1420 up dev wg0\n");
	take_down(&t);
}

/* New addresses must be protected before they exist. */
static void new_address_of_a_default_route(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, routed);
	assert_reload(&t, "[Interface]\nAddress = 10.0.0.1/24, 10.0.9.1/24\n" PEER "AllowedIPs = 0.0.0.0/0\n", "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip -4 address add 10.0.9.1/24 dev wg0\n");
	take_down(&t);
}

static void name_servers(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "DNS = 10.0.0.53\n" PEER);
	assert_reload(&t, INTERFACE "DNS = 10.0.0.53\n" PEER, "", "");
	assert_reload(&t, INTERFACE "DNS = 10.0.0.54\n" PEER, "[#] resolvconf -d wg0 -f\n",
		      "[#] resolvconf -a wg0 -m 0 -x\n");
	assert_reload(&t, INTERFACE PEER, "[#] resolvconf -d wg0 -f\n", "");
	t.journaled = false; /* which name servers are set is not known */
	assert_reload(&t, INTERFACE "DNS = 10.0.0.54\n" PEER, "", "");
	take_down(&t);
}

static void assert_dns_diff(struct tunnel *t, const char *text, enum dns_backend backend, bool remove, bool set)
{
	struct reload r;

	reload_init(&r, t, &t->applied, text);
	assert_int_equal(r.old_dns.n, remove);
	assert_int_equal(r.plan.n, set);
	if (remove) {
		assert_int_equal(r.old_dns.dns_backend, t->applied.plan.dns_backend);
		assert_true(r.old_dns.steps[0].remove);
	}
	if (set) {
		assert_int_equal(r.plan.steps[0].kind, STEP_DNS);
		assert_int_equal(r.plan.dns_backend, backend);
	}
	reload_free(&r);
}

/* Another program replaces resolv.conf, or starts to manage it. */
static void name_servers_that_others_replaced(void **state)
{
	static const char text[] = INTERFACE "DNS = 10.0.0.53\n" PEER;
	struct host_state *s;
	struct tunnel t;

	(void)state;
	bring_up(&t, text);
	s = &t.host.state;
	t.applied.plan.dns_backend = s->dns = DNS_FILE;
	model_resolv_conf(&t.host, "wg0@1", "10.0.0.53");
	assert_dns_diff(&t, text, DNS_FILE, false, false);
	s->dns = DNS_RESOLVCONF; /* it was installed, but the file is still ours */
	assert_dns_diff(&t, text, DNS_FILE, false, false);
	assert_dns_diff(&t, INTERFACE "DNS = 10.0.0.54\n" PEER, DNS_FILE, true, true);
	assert_dns_diff(&t, INTERFACE PEER, DNS_FILE, true, false);
	s->resolv_conf.intact = false;
	assert_dns_diff(&t, text, DNS_RESOLVCONF, false, true);
	assert_dns_diff(&t, INTERFACE PEER, DNS_FILE, true, false);
	model_resolv_conf(&t.host, "wg1@1", "10.0.0.53"); /* another tunnel's */
	t.host.state.dns_id[2] = '0';
	s->dns = DNS_FILE;
	assert_dns_diff(&t, text, DNS_FILE, false, true);
	/* systemd-resolved was stopped, or resolv.conf is not its own any more. */
	t.applied.plan.dns_backend = DNS_RESOLVED;
	assert_dns_diff(&t, text, DNS_FILE, true, true);
	s->dns = DNS_RESOLVED;
	assert_dns_diff(&t, text, DNS_RESOLVED, false, false);
	s->dns = DNS_NONE; /* by wgsuite.ini */
	assert_dns_diff(&t, text, DNS_NONE, true, false);
	take_down(&t);
}

static void tables_are_moved(void **state)
{
	struct tunnel *t = *state;

	assert_reload(t, INTERFACE "Table = 777\n" PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0 table 777\n");
	assert_reload(t, INTERFACE "Table = off\n" PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n");
}

/* All addresses count as the tunnel's own. */
static void without_a_journal(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, "[Interface]\nAddress = 10.0.0.1/24, 10.0.1.1/24\n" PEER "AllowedIPs = 10.1.0.0/16\n");
	t.journaled = false;
	assert_reload(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] ip -4 address delete 10.0.1.1/24 dev wg0\n");
	take_down(&t);
}

static void a_roamed_endpoint_stays(void **state)
{
	static const char file[] = INTERFACE PEER "Endpoint = 192.0.2.1:5800\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, file);
	t.host.state.device.peers[0].endpoint.port = 9999;
	assert_reload(&t, file, "", "");
	assert_reload(&t, INTERFACE PEER "Endpoint = 192.0.2.1:5801\n", "",
		      "[#] wg set wg0 peer " KEY " endpoint 192.0.2.1:5801\n");
	take_down(&t);
}

/* Nothing tells whether the peer roamed or another program set the endpoint. */
static void an_endpoint_without_a_journal(void **state)
{
	static const char file[] = INTERFACE PEER "Endpoint = 192.0.2.1:5800\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, file);
	t.journaled = false;
	t.host.state.device.peers[0].endpoint.port = 9999;
	assert_reload(&t, file, "", "[#] wg set wg0 peer " KEY " endpoint 192.0.2.1:5800\n");
	take_down(&t);
}

/* A peer without an endpoint gets one; only replacing the peer takes it away again. */
static void endpoint_of_a_silent_peer(void **state)
{
	struct tunnel *t = *state;

	assert_reload(t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\nEndpoint = 192.0.2.1:5801\n", "",
		      "[#] wg set wg0 peer " KEY " endpoint 192.0.2.1:5801\n");
}

static void without_ipv6(void **state)
{
	static const char both[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n" PEER
				   "AllowedIPs = 10.1.0.0/16, fd01::/64, ::/0\n";
	struct tunnel *t = *state;

	t->host.state.ipv6 = false;
	assert_reload(t, both, "", "[#] wg set wg0 peer " KEY " allowed-ips +fd01::/64,+::/0\n");
}

/* IPv6 leaves before the MTU is too small for it, and returns after it is large enough. */
static void mtu_too_small_for_ipv6(void **state)
{
	static const char large[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n" PEER
				    "AllowedIPs = fd01::/64, 0.0.0.0/0, ::/0\n";
	static const char small[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\nMTU = 1200\n" PEER
				    "AllowedIPs = fd01::/64, 0.0.0.0/0, ::/0\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, large);
	t.host.state.ipv6_elsewhere = true;
	assert_reload(&t, small, "",
		      "[#] ip -6 route delete fd01::/64 dev wg0\n"
		      "[#] ip -6 route delete ::/0 dev wg0 table 51820\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip link set mtu 1200 dev wg0\n"
		      "[#] nft -f /dev/fd/63\n");
	assert_non_null(strstr(t.warnings, "an MTU of 1200 is too small for IPv6"));
	take_down(&t);

	bring_up_on_busy_host(&t, small);
	assert_reload(&t, large, "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] ip link set mtu 1420 dev wg0\n"
		      "[#] ip -6 address add fd00::1/64 dev wg0\n"
		      "[#] ip -6 route add fd01::/64 dev wg0\n"
		      "[#] ip -6 route add ::/0 dev wg0 table 51820\n");
	assert_string_equal(t.warnings, "");
	take_down(&t);
}

/* The rules and the unreachable route come before the tunnel's route goes. */
static void blocked_default_route_that_was_lost(void **state)
{
	static const char small[] = INTERFACE "MTU = 1200\n" PEER "AllowedIPs = ::/0\n";
	struct step_route unreachable = { .unreachable = true, .table = 51820, .prefix.addr.family = IP_V6 };
	struct tunnel t;

	(void)state;
	bring_up_on_busy_host(&t, small);
	model_routes_change(&t.host.all_routes, &unreachable, true);
	assert_reload(&t, small, "", "[#] ip -6 route add unreachable ::/0 metric 32767 table 51820 proto kernel\n");
	take_down(&t);
}

static void blocked_without_rules(void **state)
{
	static const char full[] = INTERFACE PEER "AllowedIPs = 10.1.0.0/16, ::/0\n";
	struct tunnel *t = *state;

	model_without_ipv6_rules(&t->host);
	t->host.state.ipv6_elsewhere = true;
	assert_reload(t, full, "",
		      "[#] wg set wg0 fwmark 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips +::/0\n"
		      "[#] ip -6 route add unreachable ::/0 metric 1 proto kernel\n");
	assert_non_null(strstr(t->warnings, "the kernel has no IPv6 policy rules"));
}

/* An interface cannot have an IPv6 address twice. */
static void prefix_length_of_an_ipv6_address(void **state)
{
	static const char before[] = "[Interface]\nAddress = 10.0.0.1/24, fd00::1/64\n" PEER "AllowedIPs = 10.1.0.0/16\n";
	static const char after[] = "[Interface]\nAddress = 10.0.0.1/16, fd00::1/128\n" PEER "AllowedIPs = 10.1.0.0/16\n";
	struct interface_address other;
	struct span rest = SPAN("fd00::1/128"), bad;
	struct tunnel t;

	(void)state;
	bring_up(&t, before);
	assert_reload(&t, after, "",
		      "[#] ip -4 address add 10.0.0.1/16 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip -6 address add fd00::1/128 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n");
	take_down(&t);
	/* A hook's address stays, and serves as well. */
	bring_up(&t, INTERFACE PEER "AllowedIPs = 10.1.0.0/16\n");
	assert_int_equal(address_next(&other, &rest, &bad), 1);
	assert_true(addresses_add(&t.host.state.addresses, &other));
	assert_reload(&t, before, "", "");
	take_down(&t);
}

static void without_a_firewall(void **state)
{
	struct tunnel *t = *state;

	t->host.state.firewall = FIREWALL_NONE;
	assert_reload(t, routed, "",
		      "[#] wg set wg0 fwmark 51820\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -4 route add unreachable 0.0.0.0/0 metric 32767 table 51820 proto kernel\n"
		      "[#] ip -4 rule add not fwmark 51820 table 51820\n"
		      "[#] ip -4 rule add table main suppress_prefixlength 0\n"
		      "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
		      "[#] sysctl -q net.ipv4.conf.all.src_valid_mark=1\n");
	assert_non_null(strstr(t->warnings, "neither nft nor iptables"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_follow_allowed_ips),
		cmocka_unit_test(an_address_covers_the_route_of_a_removed_allowed_ip),
		cmocka_unit_test(routes_survive_the_last_address),
		cmocka_unit_test(link_local_addresses_follow_the_file),
		test_of_split(peers_are_added_and_removed),
		cmocka_unit_test(lost_and_foreign_routes),
		test_of_split(default_route_is_added),
		cmocka_unit_test(default_route_is_removed),
		cmocka_unit_test(default_route_is_repaired),
		cmocka_unit_test(rules_are_moved),
		cmocka_unit_test(lost_firewall_rules_are_restored),
		cmocka_unit_test(the_tool_changes),
		cmocka_unit_test(mark_changes),
		cmocka_unit_test(addresses_and_mtu),
		cmocka_unit_test(new_address_of_a_default_route),
		cmocka_unit_test(name_servers),
		cmocka_unit_test(name_servers_that_others_replaced),
		test_of_split(tables_are_moved),
		cmocka_unit_test(without_a_journal),
		cmocka_unit_test(a_roamed_endpoint_stays),
		cmocka_unit_test(an_endpoint_without_a_journal),
		test_of_split(endpoint_of_a_silent_peer),
		test_of_split(without_ipv6),
		cmocka_unit_test(mtu_too_small_for_ipv6),
		cmocka_unit_test(blocked_default_route_that_was_lost),
		test_of_split(blocked_without_rules),
		cmocka_unit_test(prefix_length_of_an_ipv6_address),
		test_of_split(without_a_firewall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
