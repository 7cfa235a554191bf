/* Source addresses of datagrams: learnt, kept with what is known of their route, and cleared. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lib/tunnel_pair.h"

static void sources_are_kept_and_cleared_by_the_index_of_the_path(void **state)
{
	uint8_t ping[84];
	struct pair *p = pair_new(13);
	struct wg_path path, sent;

	(void)state;
	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	pair_exchange(p);
	pair_clear(p);
	path = p->side[1].path;
	path.local = ip_v4((const uint8_t[4]){ 198, 51, 100, 1 });
	path.ifindex = 4;
	path.routes_version = 3;
	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	pair_udp(p, 1, p->side[0].sent->packets[0].bytes, 128, &path, 0);
	pair_ipv4(ping, sizeof ping, 1);
	pair_tun(p, 1, ping, sizeof ping);
	sent = p->side[1].sent->packets[0].path;
	assert_true(path_equal(&sent, &path));
	assert_int_equal(sent.routes_version, 3);
	assert_int_equal(sent.route_ifindex, 0);
	path = sent;
	path.ifindex = 5; /* another path: no effect, like that of a session that ended */
	tunnel_clear_source(p->side[1].tunnel, &path);
	path.route_ifindex = 7;
	tunnel_keep_source(p->side[1].tunnel, &path);
	path = sent;
	path.tx_index++;
	tunnel_clear_source(p->side[1].tunnel, &path);
	path.tx_index = 0;
	tunnel_clear_source(p->side[1].tunnel, &path);
	pair_tun(p, 1, ping, sizeof ping);
	assert_true(path_equal(&p->side[1].sent->packets[1].path, &sent));
	assert_int_equal(p->side[1].sent->packets[1].path.route_ifindex, 0);
	path = sent;
	path.route_ifindex = 7;
	path.routes_version = 4;
	tunnel_keep_source(p->side[1].tunnel, &path);
	pair_tun(p, 1, ping, sizeof ping);
	assert_true(path_equal(&p->side[1].sent->packets[2].path, &sent));
	assert_int_equal(p->side[1].sent->packets[2].path.route_ifindex, 7);
	assert_int_equal(p->side[1].sent->packets[2].path.routes_version, 4);
	tunnel_clear_source(p->side[1].tunnel, &path);
	pair_tun(p, 1, ping, sizeof ping);
	assert_true(path_equal(&p->side[1].sent->packets[3].path, &p->side[1].path));
	assert_int_equal(p->side[1].sent->packets[3].path.route_ifindex, 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_kept_and_cleared_by_the_index_of_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
