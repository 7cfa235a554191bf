/* plan_undo_diff(): a reload that fails after any of its steps leaves the addresses, their order and the routes as they were.
 * assert_reload() undoes each plan after each of its steps; the tests here are about what the kernel does with a change of an
 * address. */
#include "diff_tunnel.h"

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="
#define INTERFACE "[Interface]\nAddress = "

/* The inverses of the whole plan. */
static void assert_undo_lines(struct tunnel *t, const char *text, const char *lines)
{
	struct host_state before;
	struct plan undo = { 0 };
	struct reload r;

	reload_init(&r, t, &t->applied, text);
	copy_state(&before, &t->host.state);
	for (size_t i = 0; i < r.plan.n; i++)
		r.plan.steps[i].done = r.plan.steps[i].kind != STEP_WG;
	assert_int_equal(plan_undo_diff(&undo, &r.plan, &t->applied, &before), 0);
	assert_lines(&undo, lines);
	plan_free(&undo);
	host_state_free(&before);
	reload_free(&r);
}

/* As long as the interface has the address of the reload, the kernel refuses a route to its network. */
static void a_route_to_the_network_of_a_new_address(void **state)
{
	static const char changed[] = INTERFACE "10.0.0.1/24\nExcludeIPs = 10.9.0.0/16\n" PEER "AllowedIPs = 10.0.0.0/24\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "10.5.0.1/32\nRouteMetric = 77\n" PEER "AllowedIPs = 10.0.0.0/24, 10.1.0.0/16\n");
	assert_reload(&t, changed, "",
		      "[#] wg set wg0 peer " KEY " allowed-ips 10.0.0.0/24\n"
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0 metric 77\n"
		      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 address delete 10.5.0.1/32 dev wg0\n"
		      "[#] ip -4 route delete 10.0.0.0/24 dev wg0 metric 77\n");
	take_down(&t);
	bring_up(&t, INTERFACE "10.5.0.1/32\n" PEER "AllowedIPs = 10.0.0.0/24, 10.1.0.0/16\n");
	assert_undo_lines(&t, INTERFACE "10.0.0.1/24\nTable = 7\n" PEER "AllowedIPs = 10.0.0.0/24\n",
			  "[#] ip -4 route delete 10.0.0.0/24 dev wg0 table 7\n"
			  "[#] ip -4 address add 10.5.0.1/32 dev wg0\n"
			  "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
			  "[#] ip -4 route add 10.0.0.0/24 dev wg0\n"
			  "[#] ip -4 route add 10.1.0.0/16 dev wg0\n");
	take_down(&t);
}

/* The first one is the source address of packets to allowed IPs. */
static void ipv4_addresses_keep_their_order(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "10.0.0.1/24, 10.0.0.1/32, 10.0.0.2/24, 10.5.0.1/32\n" PEER "AllowedIPs = 10.1.0.0/16\n");
	assert_reload(&t, INTERFACE "10.0.0.2/24, 10.5.0.1/32, 10.6.0.1/32\n" PEER "AllowedIPs = 10.1.0.0/16\n", "",
		      "[#] ip -4 address add 10.6.0.1/32 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/32 dev wg0\n");
	assert_undo_lines(&t, INTERFACE "10.0.0.1/24, 10.0.0.2/24, 10.6.0.1/32\n" PEER "AllowedIPs = 10.1.0.0/16\n",
			  "[#] ip -4 address add 10.0.0.1/32 dev wg0\n"
			  "[#] ip -4 address delete 10.6.0.1/32 dev wg0\n"
			  "[#] ip -4 address delete 10.0.0.2/24 dev wg0\n"
			  "[#] ip -4 address add 10.5.0.1/32 dev wg0\n"
			  "[#] ip -4 address add 10.0.0.2/24 dev wg0\n");
	take_down(&t);
}

/* It has attributes that are not known here. */
static void the_address_of_another_program_is_not_touched(void **state)
{
	struct interface_address other = { .bits = 24 };
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "10.0.0.1/24\n");
	assert_true(ip_parse(&other.local, SPAN("192.0.2.9")) && addresses_add(&t.host.state.addresses, &other));
	assert_undo_lines(&t, INTERFACE "10.0.0.2/24\n",
			  "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
			  "[#] ip -4 address delete 10.0.0.2/24 dev wg0\n");
	take_down(&t);
}

static void ipv6_addresses_keep_their_order(void **state)
{
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "fd00::1/64, fd01::1/64, fe80::5/64, fd02::1/128\n" PEER "AllowedIPs = fd07::/64\n");
	assert_reload(&t, INTERFACE "fd02::1/128, fd01::1/128, fd03::1/64\n" PEER "AllowedIPs = fd07::/64\n", "",
		      "[#] ip -6 address delete fd01::1/64 dev wg0\n"
		      "[#] ip -6 address add fd01::1/128 dev wg0\n"
		      "[#] ip -6 address add fd03::1/64 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip -6 address delete fe80::5/64 dev wg0\n");
	take_down(&t);
}

/* Which the interface did not have before: with it, the kernel removes the routes that were there without any. */
static void the_only_ipv4_address_is_removed_again(void **state)
{
	static const char changed[] = INTERFACE "fd00::1/64, 10.0.0.1/24\n" PEER "AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, 10.3.0.0/16\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "fd00::1/64\n" PEER "AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, 10.2.0.0/16, 10.0.0.0/24\n");
	assert_reload(&t, changed, "",
		      "[#] nft -f /dev/fd/63\n"
		      "[#] wg set wg0 peer " KEY " allowed-ips 0.0.0.0/0,10.1.0.0/16,10.3.0.0/16\n"
		      "[#] ip -4 route delete 10.2.0.0/16 dev wg0\n"
		      "[#] ip -4 route delete 10.0.0.0/24 dev wg0\n"
		      "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 route add 10.3.0.0/16 dev wg0\n");
	assert_undo_lines(&t, changed,
			  "[#] ip -4 route delete 10.3.0.0/16 dev wg0\n"
			  "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
			  "[#] ip -4 route add 10.0.0.0/24 dev wg0\n"
			  "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
			  "[#] ip -4 route add 10.2.0.0/16 dev wg0\n"
			  "[#] ip -4 route add 0.0.0.0/0 dev wg0 table 51820\n"
			  "[#] nft -f /dev/fd/63\n");
	take_down(&t);
}

/* The last one: the kernel has removed the routes of other programs as well. */
static void the_only_ipv4_address_comes_back(void **state)
{
	static const char changed[] = INTERFACE "fd00::1/64\n" PEER "AllowedIPs = 10.1.0.0/16\n";
	struct step_route other = { .table = TABLE_MAIN };
	struct tunnel t;

	(void)state;
	bring_up(&t, INTERFACE "10.0.0.1/24\n" PEER "AllowedIPs = 10.1.0.0/16\n");
	assert_true(prefix_parse(&other.prefix, SPAN("10.99.0.0/16"), NULL));
	model_routes_change(&t.host.all_routes, &other, false);
	assert_reload(&t, changed, "",
		      "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
		      "[#] ip -6 address add fd00::1/64 dev wg0\n"
		      "[#] ip -4 address delete 10.0.0.1/24 dev wg0\n"
		      "[#] ip -4 route add 10.1.0.0/16 dev wg0\n");
	assert_undo_lines(&t, changed,
			  "[#] ip -4 route delete 10.1.0.0/16 dev wg0\n"
			  "[#] ip -4 address add 10.0.0.1/24 dev wg0\n"
			  "[#] ip -6 address delete fd00::1/64 dev wg0\n"
			  "[#] ip -4 route add 10.1.0.0/16 dev wg0\n"
			  "[#] ip -4 route add 10.99.0.0/16 dev wg0\n");
	take_down(&t);
}

/* With an IPv6 address, the kernel removes the route to its network that has the lowest metric. */
static void a_route_that_precedes_that_of_an_ipv6_address(void **state)
{
	static const char with[] = INTERFACE "fd00::1/64\nTable = main\nRouteMetric = 77\n" PEER "AllowedIPs = fd00::/64\n",
			  without[] = INTERFACE "fd01::1/64\nTable = main\nRouteMetric = 77\n" PEER "AllowedIPs = fd00::/64\n",
			  without_metric[] = INTERFACE "fd01::1/64\nTable = main\n" PEER "AllowedIPs = fd00::/64\n";
	struct tunnel t;

	(void)state;
	bring_up(&t, with);
	assert_reload(&t, without, "",
		      "[#] ip -6 route delete fd00::/64 dev wg0 metric 77 table main\n"
		      "[#] ip -6 address add fd01::1/64 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip -6 route add fd00::/64 dev wg0 metric 77 table main\n");
	assert_reload(&t, without_metric, "",
		      "[#] ip -6 route delete fd00::/64 dev wg0 metric 77 table main\n"
		      "[#] ip -6 address add fd01::1/64 dev wg0\n"
		      "[#] ip -6 address delete fd00::1/64 dev wg0\n"
		      "[#] ip -6 route add fd00::/64 dev wg0 table main\n");
	take_down(&t);
	bring_up(&t, without);
	assert_reload(&t, with, "",
		      "[#] ip -6 address add fd00::1/64 dev wg0\n"
		      "[#] ip -6 address delete fd01::1/64 dev wg0\n");
	assert_undo_lines(&t, with,
			  "[#] ip -6 route delete fd00::/64 dev wg0 metric 77\n"
			  "[#] ip -6 address add fd01::1/64 dev wg0\n"
			  "[#] ip -6 address delete fd00::1/64 dev wg0\n"
			  "[#] ip -6 route add fd00::/64 dev wg0 metric 77\n");
	take_down(&t);
}

/* ---- random pairs of files ---- */

static uint32_t below(uint64_t *random, uint32_t n)
{
	*random = *random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*random >> 33) % n;
}

static void add_some(struct text *t, uint64_t *random, const char *key, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (below(random, 3) == 0)
			text_f(t, "%s = %s\n", key, values[i]);
}

static void random_file(struct text *t, uint64_t *random)
{
	static const char *const addresses[] = { "10.0.0.1/24", "10.0.0.2/24", "10.0.0.1/32", "10.1.0.1/16", "10.0.0.3/0", "10.1.0.9/16",
						 "fd00::1/64",	"fd00::2/64",  "fd00::1/128", "fe80::5/64" };
	static const char *const prefixes[] = { "10.0.0.0/24", "10.0.0.7/32", "10.1.0.0/16", "10.2.0.0/16", "0.0.0.0/0",
						"fd00::/64",   "fd01::/48",   "fd01::5/128", "::/0",	    "0.0.0.0/1" };
	static const char *const tables[] = { "", "Table = main\n", "Table = 777\n" }, *const metrics[] = { "", "RouteMetric = 77\n" };

	t->n = 0;
	text_f(t, "[Interface]\n%s%s", tables[below(random, 3)], metrics[below(random, 2)]);
	add_some(t, random, "Address", addresses, ARRAY_LEN(addresses));
	text_add(t, PEER);
	add_some(t, random, "AllowedIPs", prefixes, ARRAY_LEN(prefixes));
	text_add(t, OTHER_PEER);
	add_some(t, random, "AllowedIPs", prefixes, ARRAY_LEN(prefixes));
}

static void random_pairs(void **state)
{
	struct text first = text_heap(), second = text_heap();
	struct step_route other = { .table = 0 }; /* of another program */
	uint64_t random = 1;

	(void)state;
	assert_true(prefix_parse(&other.prefix, SPAN("10.99.0.0/16"), NULL));
	for (int n = 0; n < 500; n++) {
		struct host_state before;
		struct reload r;
		struct tunnel t;
		random_file(&first, &random);
		random_file(&second, &random);
		text_char(&first, '\0');
		text_char(&second, '\0');
		bring_up(&t, first.p);
		other.table = t.applied.table;
		model_routes_change(&t.host.all_routes, &other, false);
		reload_init(&r, &t, &t.applied, second.p);
		copy_state(&before, &t.host.state);
		for (size_t i = 0; i <= r.plan.n; i++)
			assert_undo(&t, &r, i, &before);
		host_state_free(&before);
		reload_free(&r);
		take_down(&t);
	}
	text_heap_free(&first);
	text_heap_free(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_to_the_network_of_a_new_address),
		cmocka_unit_test(ipv4_addresses_keep_their_order),
		cmocka_unit_test(the_address_of_another_program_is_not_touched),
		cmocka_unit_test(ipv6_addresses_keep_their_order),
		cmocka_unit_test(the_only_ipv4_address_is_removed_again),
		cmocka_unit_test(the_only_ipv4_address_comes_back),
		cmocka_unit_test(a_route_that_precedes_that_of_an_ipv6_address),
		cmocka_unit_test(random_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
