/* Questions about routes, to the kernel of this machine with paths through lo, and what answers mean for a source. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/io/route_query.h"

static const uint8_t loopback[4] = { 127, 0, 0, 1 }, far[4] = { 127, 0, 0, 2 }, nowhere[4] = { 255, 255, 255, 255 };

static void the_kernel_answers(void **state)
{
	struct wg_path path = { .remote = { .addr = ip_v4(far), .port = 7 }, .local = ip_v4(loopback) };
	const struct ip_addr v6 = ip_v6((const uint8_t[16]){ [15] = 1 });
	struct netlink_socket s = { .fd = -1 };
	struct ip_addr source;
	uint32_t ifindex = 0;

	(void)state;
	for (int i = 0; i < 100; i++) { /* on one socket */
		assert_int_equal(route_query_path(&s, &path, 5000, i % 2 ? 0x77 : 0, 0, &ifindex), 0);
		assert_int_equal(ifindex, 1);
		ifindex = 0;
		memcpy(path.local.b, (const uint8_t[]){ 203, 0, 113, 77 }, 4); /* not an address of this host */
		assert_int_equal(route_query_path(&s, &path, 5000, 0, 0, &ifindex), -EADDRNOTAVAIL);
		path.local = (struct ip_addr){ 0 };
		assert_int_equal(route_query_path(&s, &path, 5000, 0, 0, &ifindex), 0);
		assert_int_equal(ifindex, 1);
		path.local = ip_v4(loopback);
	}
	if (access("/proc/net/if_inet6", F_OK) == 0) {
		struct wg_path path6 = { .remote = { .addr = v6, .port = 7 }, .local = v6 };
		assert_int_equal(route_query_path(&s, &path6, 5000, 0, 0, &ifindex), 0);
		assert_int_equal(ifindex, 1);
		ifindex = 0;
		path6.local = (struct ip_addr){ 0 };
		assert_int_equal(route_query_path(&s, &path6, 5000, 0x77, 0, &ifindex), 0);
		assert_int_equal(ifindex, 1);
		path6.remote = (struct ip_endpoint){ .addr = ip_v6((const uint8_t[16]){ 0xfe, 0x80, [15] = 1 }), .port = 7, .scope = 1 };
		if (route_query_path(&s, &path6, 5000, 0, 0, &ifindex) == 0)
			assert_int_equal(ifindex, 1);
	}
	close(s.fd);
	assert_int_equal(route_query_source(&source, &path.remote.addr), 0);
	assert_true(ip_equal(&source, &path.local));
	if (access("/proc/net/if_inet6", F_OK) == 0) {
		assert_int_equal(route_query_source(&source, &v6), 0);
		assert_true(ip_equal(&source, &v6));
	}
}

static void a_stale_answer_is_not_taken_for_a_new_one(void **state)
{
	struct wg_path path = { .remote = { .addr = ip_v4(far), .port = 7 }, .local = ip_v4(loopback) };
	const struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct netlink_socket s = { .fd = netlink_open(0) };
	struct netlink_message m;
	uint32_t ifindex = 0;

	(void)state;
	assert_true(s.fd >= 0);
	for (int i = 0; i < 5; i++) {
		netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
		netlink_put(&m, RTA_DST, i % 2 ? far : nowhere, 4);
		((struct nlmsghdr *)(void *)m.bytes)->nlmsg_seq = 4711;
		assert_true(write(s.fd, m.bytes, ((struct nlmsghdr *)(void *)m.bytes)->nlmsg_len) > 0);
	}
	memcpy(path.local.b, (const uint8_t[]){ 203, 0, 113, 77 }, 4);
	assert_int_equal(route_query_path(&s, &path, 5000, 0, 0, &ifindex), -EADDRNOTAVAIL);
	path.local = ip_v4(loopback);
	assert_int_equal(route_query_path(&s, &path, 5000, 0, 0, &ifindex), 0);
	assert_int_equal(ifindex, 1);
	close(s.fd);
}

static void sources_are_kept_while_the_route_is_the_same(void **state)
{
	static const struct {
		uint32_t arrival, before, version; /* of the path */
		int error;
		uint32_t now; /* the interface of the route, at version 8 */
		bool keeps;
	} cases[] = {
		{ 2, 0, 8, 0, 2, true },
		{ 2, 0, 8, 0, 3, true },  /* answers have always left through another interface */
		{ 2, 3, 8, 0, 3, true },
		{ 2, 3, 7, 0, 3, true },
		{ 2, 3, 7, 0, 2, false },
		{ 2, 2, 7, 0, 3, false },
		{ 2, 0, 7, 0, 2, true },  /* never looked up before the change */
		{ 2, 0, 7, 0, 3, false },
		{ 2, 2, 7, -EADDRNOTAVAIL, 0, false },
		{ 2, 2, 7, -EINVAL, 0, true }, /* a blackhole route */
		{ 2, 2, 7, -ENETUNREACH, 0, true },
		{ 2, 0, 8, -ENETUNREACH, 0, true },
		{ 2, 2, 7, -EMFILE, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wg_path path = { .ifindex = cases[i].arrival, .route_ifindex = cases[i].before,
					.routes_version = cases[i].version };
		if (path_keeps_source(&path, 8, cases[i].error, cases[i].now) != cases[i].keeps)
			fail_msg("case %zu", i);
		if (cases[i].error == -EMFILE || !cases[i].keeps)
			continue;
		assert_int_equal(path.routes_version, 8);
		if (cases[i].error)
			assert_int_equal(path.route_ifindex, cases[i].before ? cases[i].before : cases[i].arrival);
		else
			assert_int_equal(path.route_ifindex, cases[i].now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_answers),
		cmocka_unit_test(a_stale_answer_is_not_taken_for_a_new_one),
		cmocka_unit_test(sources_are_kept_while_the_route_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
