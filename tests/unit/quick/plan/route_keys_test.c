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
		      "[#] ip -6 route delete fd01::/64 dev wg0\n"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metric_of_routes),
		cmocka_unit_test(metric_changes),
		cmocka_unit_test(metric_of_the_kernel),
		cmocka_unit_test(metric_and_default_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
