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
#include "daemon/control/netlink.h"
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
	add_route(RTM_NEWROUTE, RTN_UNICAST, 7, 0);
	assert_int_equal(link_parse_events(&s, buffer, used), LINK_EVENT_CHANGED | LINK_EVENT_ROUTES);
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

/* The kernel of this machine, with paths through lo. */
static void the_kernel_answers(void **state)
{
	const uint8_t loopback[4] = { 127, 0, 0, 1 }, far[4] = { 127, 0, 0, 2 };
	struct wg_path path = { .remote = { .addr = ip_v4(far), .port = 1 }, .local = ip_v4(loopback) };

	(void)state;
	path.ifindex = 1;
	assert_true(routes_confirm_path(&path, 0));
	path.ifindex = 4711;
	assert_false(routes_confirm_path(&path, 0));
	path.ifindex = 1;
	memcpy(path.local.b, (const uint8_t[]){ 203, 0, 113, 77 }, 4); /* not an address of this host */
	assert_false(routes_confirm_path(&path, 0));
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
		cmocka_unit_test(the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
