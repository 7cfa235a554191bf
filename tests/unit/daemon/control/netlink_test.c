/* Building and reading rtnetlink messages: links, routes, and truncated messages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <linux/if.h>
#include <sys/socket.h>
#include "daemon/control/link.h"
#include "daemon/io/netlink.h"
#include "daemon/control/routes.h"

static uint8_t buffer[4096];
static size_t used;

static void append(const struct netlink_message *m)
{
	uint32_t n = ((const struct nlmsghdr *)(const void *)m->bytes)->nlmsg_len;

	memcpy(buffer + used, m->bytes, n);
	used += NLMSG_ALIGN(n);
}

static void add_link(uint16_t type, int index, unsigned int flags, uint32_t mtu, const char *name)
{
	struct ifinfomsg i = { .ifi_index = index, .ifi_flags = flags };
	struct netlink_message m;

	netlink_begin(&m, type, 0, &i, sizeof i);
	netlink_put(&m, IFLA_ADDRESS, "xy", 2);
	netlink_put(&m, IFLA_MTU, &mtu, sizeof mtu);
	netlink_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	append(&m);
}

static void add_route(uint16_t type, unsigned char kind, uint32_t oif, unsigned int flags)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_type = kind, .rtm_flags = flags };
	struct netlink_message m;

	netlink_begin(&m, type, 0, &r, sizeof r);
	if (oif)
		netlink_put(&m, RTA_OIF, &oif, sizeof oif);
	append(&m);
}

static void events_of_one_link_are_read(void **state)
{
	struct link_state s = { .ifindex = 7 };

	(void)state;
	used = 0;
	add_link(RTM_NEWLINK, 6, IFF_UP, 9000, "other");
	add_link(RTM_DELLINK, 5, 0, 9000, "other");
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_NONE);
	assert_false(s.up);
	add_link(RTM_NEWLINK, 7, IFF_UP, 1300, "wg0");
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED);
	assert_true(s.up);
	assert_int_equal(s.mtu, 1300);
	assert_string_equal(s.name, "wg0");
	add_link(RTM_NEWLINK, 7, 0, 1280, "exactly15-chars");
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED);
	assert_false(s.up);
	assert_string_equal(s.name, "exactly15-chars");
	add_link(RTM_DELLINK, 7, 0, 1280, "wg0");
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED | LINK_EVENT_DELETED);
	add_link(RTM_NEWLINK, 7, 0, 1280, "wg0"); /* created again before the events were read */
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED);
}

static void events_of_bridges_are_ignored(void **state)
{
	struct ifinfomsg i = { .ifi_family = AF_BRIDGE, .ifi_index = 7 };
	struct link_state s = { .ifindex = 7 };
	struct netlink_message m;

	(void)state;
	used = 0;
	netlink_begin(&m, RTM_DELLINK, 0, &i, sizeof i);
	append(&m);
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_NONE);
}

static void truncated_messages_are_ignored(void **state)
{
	(void)state;
	used = 0;
	add_link(RTM_NEWLINK, 7, IFF_UP, 1300, "wg0");
	for (size_t n = 0; n < used; n++) {
		uint8_t *exact = malloc(n + 1); /* so that a sanitizer sees the end */
		struct link_state s = { .ifindex = 7 };
		memcpy(exact, buffer, n);
		assert_int_equal(link_parse_events(&s, exact, n), LINK_EVENT_NONE);
		free(exact);
	}
	for (uint32_t length = 0; length < 0x10000; length += 7) { /* of the first attribute */
		struct link_state s = { .ifindex = 7 };
		uint16_t n = (uint16_t)length;
		memcpy(buffer + NLMSG_SPACE(sizeof(struct ifinfomsg)), &n, sizeof n);
		assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED);
	}
}

static void attributes_are_found_by_type_and_size(void **state)
{
	struct ifinfomsg i = { 0 };
	struct netlink_message m;
	struct netlink_view v;
	const void *p = &m;
	size_t n, size = 0;

	(void)state;
	netlink_begin(&m, RTM_NEWLINK, 0, &i, sizeof i);
	netlink_put(&m, 1, "abc", 3);
	netlink_put(&m, 2 | NLA_F_NESTED, "defg", 4);
	netlink_put(&m, 3, NULL, 0);
	n = ((struct nlmsghdr *)(void *)m.bytes)->nlmsg_len;
	assert_true(netlink_next(&v, &p, &n));
	assert_true(netlink_read_family(&v, &i, sizeof i));
	assert_memory_equal(netlink_find_attribute(v.p, v.n, 1, 3, &size), "abc", 3);
	assert_int_equal(size, 3);
	assert_null(netlink_find_attribute(v.p, v.n, 1, 4, NULL));
	assert_memory_equal(netlink_find_attribute(v.p, v.n, 2, 1, &size), "defg", 4);
	assert_int_equal(size, 4);
	assert_non_null(netlink_find_attribute(v.p, v.n, 3, 0, &size));
	assert_int_equal(size, 0);
	assert_null(netlink_find_attribute(v.p, v.n, 4, 0, NULL));
	assert_false(netlink_next(&v, &p, &n));
}

static void some_routes_affect_paths(void **state)
{
	static const struct { uint16_t type; unsigned char kind; uint32_t oif; unsigned int flags; bool affects; } cases[] = {
		{ RTM_NEWROUTE, RTN_UNICAST, 3, 0, true },
		{ RTM_DELROUTE, RTN_UNICAST, 3, 0, true },
		{ RTM_DELROUTE, RTN_UNREACHABLE, 0, 0, true },
		{ RTM_NEWROUTE, RTN_UNICAST, 9, 0, false }, /* through the tunnel itself */
		{ RTM_NEWROUTE, RTN_LOCAL, 3, 0, false },
		{ RTM_NEWROUTE, RTN_BROADCAST, 3, 0, false },
		{ RTM_NEWROUTE, RTN_MULTICAST, 3, 0, false },
		{ RTM_NEWROUTE, RTN_UNICAST, 3, RTM_F_CLONED, false },
		{ RTM_NEWRULE, 0, 0, 0, true },
		{ RTM_NEWNEIGH, RTN_UNICAST, 3, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		used = 0;
		add_route(cases[i].type, cases[i].kind, cases[i].oif, cases[i].flags);
		if (routes_affect_paths(buffer, used, 9) != cases[i].affects)
			fail_msg("case %zu", i);
		add_route(RTM_NEWROUTE, RTN_UNICAST, 3, 0);
		assert_true(routes_affect_paths(buffer, used, 9));
	}
}

static void add_route_with_mtu(uint16_t type, uint16_t flags, uint32_t oif, uint32_t mtu)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	struct netlink_message m;
	size_t metrics;

	netlink_begin(&m, type, flags, &r, sizeof r);
	netlink_put(&m, RTA_OIF, &oif, sizeof oif);
	metrics = netlink_nest(&m, RTA_METRICS);
	netlink_put(&m, RTAX_MTU, &mtu, sizeof mtu);
	netlink_nest_end(&m, metrics);
	append(&m);
}

static void the_least_mtu_is_followed_without_a_dump(void **state)
{
	static const struct { uint16_t type, flags; uint32_t oif, mtu; unsigned int events; uint32_t min; } steps[] = {
		{ RTM_NEWROUTE, 0, 6, 1200, LINK_EVENT_NONE, 0 },    /* through another link */
		{ RTM_DELROUTE, 0, 6, 1200, LINK_EVENT_NONE, 0 },
		{ RTM_NEWROUTE, 0, 7, 1400, LINK_EVENT_NONE, 1400 },
		{ RTM_NEWROUTE, 0, 7, 1300, LINK_EVENT_NONE, 1300 },
		{ RTM_NEWROUTE, 0, 7, 1350, LINK_EVENT_NONE, 1300 },
		{ RTM_DELROUTE, 0, 7, 1350, LINK_EVENT_NONE, 1300 },
		{ RTM_NEWROUTE, NLM_F_REPLACE, 7, 1290, LINK_EVENT_NONE, 1290 },
		{ RTM_NEWROUTE, NLM_F_REPLACE, 7, 1400, LINK_EVENT_ROUTES, 1290 }, /* maybe instead of the least */
		{ RTM_NEWROUTE, NLM_F_REPLACE, 6, 1400, LINK_EVENT_NONE, 1290 },
		{ RTM_DELROUTE, 0, 6, 1290, LINK_EVENT_NONE, 1290 },
		{ RTM_DELROUTE, 0, 7, 1290, LINK_EVENT_ROUTES, 1290 },
	};
	struct link_state s = { .ifindex = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		used = 0;
		add_route_with_mtu(steps[i].type, steps[i].flags, steps[i].oif, steps[i].mtu);
		if (link_parse_events(&s, buffer, used) != steps[i].events || s.route_mtu != steps[i].min)
			fail_msg("step %zu", i);
	}
}

static void a_route_through_several_links_counts_for_each(void **state)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_type = RTN_UNICAST };
	struct rtnexthop hops[2] = { { .rtnh_len = sizeof *hops, .rtnh_ifindex = 6 },
				     { .rtnh_len = sizeof *hops, .rtnh_ifindex = 7 } };
	uint32_t mtu = 1300;

	(void)state;
	for (int broken = 0; broken < 2; broken++) {
		struct link_state s = { .ifindex = 7 };
		struct netlink_message m;
		size_t metrics;
		hops[0].rtnh_len = broken ? 0 : sizeof *hops;
		netlink_begin(&m, RTM_NEWROUTE, 0, &r, sizeof r);
		netlink_put(&m, RTA_MULTIPATH, hops, sizeof hops);
		metrics = netlink_nest(&m, RTA_METRICS);
		netlink_put(&m, RTAX_MTU, &mtu, sizeof mtu);
		netlink_nest_end(&m, metrics);
		used = 0;
		append(&m);
		assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_NONE);
		assert_int_equal(s.route_mtu, broken ? 0 : 1300);
	}
}

static void links_and_next_hops_affect_paths(void **state)
{
	(void)state;
	used = 0;
	add_link(RTM_NEWLINK, 9, IFF_UP, 1420, "wg0");
	assert_false(routes_affect_paths(buffer, used, 9)); /* our own */
	add_link(RTM_NEWLINK, 3, 0, 1500, "eth0");
	assert_true(routes_affect_paths(buffer, used, 9));
	used = 0;
	add_route(RTM_DELNEXTHOP, 0, 0, 0);
	assert_true(routes_affect_paths(buffer, used, 9));
}

/* A few changes count at once, later ones every half second together. */
static void frequent_changes_are_combined(void **state)
{
	struct route_changes c = { 0 };
	uint64_t now_ns = 1000 * NS_PER_S, end_ns = now_ns + 10 * NS_PER_S;
	unsigned int n = 0;

	(void)state;
	assert_false(route_changes_take(&c, now_ns));
	assert_int_equal(route_changes_deadline(&c), NEVER);
	while (now_ns < end_ns) {
		c.is_pending = true;
		assert_true((route_changes_deadline(&c) <= now_ns) == route_changes_take(&c, now_ns));
		n += !c.is_pending;
		if (n < 8)
			assert_false(c.is_pending);
		now_ns += NS_PER_MS;
	}
	assert_in_range(n, 8 + 19, 8 + 21);
	c.is_pending = true;
	now_ns = route_changes_deadline(&c);
	assert_true(now_ns <= end_ns + NS_PER_S / 2);
	assert_true(route_changes_take(&c, now_ns)); /* the last change is not forgotten */
}

static void the_kernel_answers(void **state)
{
	(void)state;
	assert_int_equal(routes_min_mtu(0xfffffff), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_of_one_link_are_read),
		cmocka_unit_test(events_of_bridges_are_ignored),
		cmocka_unit_test(truncated_messages_are_ignored),
		cmocka_unit_test(attributes_are_found_by_type_and_size),
		cmocka_unit_test(some_routes_affect_paths),
		cmocka_unit_test(the_least_mtu_is_followed_without_a_dump),
		cmocka_unit_test(a_route_through_several_links_counts_for_each),
		cmocka_unit_test(links_and_next_hops_affect_paths),
		cmocka_unit_test(frequent_changes_are_combined),
		cmocka_unit_test(the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
