/* Which paths of a batch are looked up after routes changed or while a path is slow, how many at once, and what happens to their
 * sources. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "daemon/io/udp.h"

enum { PEERS = 300, LOCAL = 9, IF_BEFORE = 2, IF_AFTER = 3 };

/* Peer i has the path paths[i]. The kernel sends to those from `moved` on through another interface. */
static struct wg_path paths[PEERS], batch_paths[PEERS];
static size_t looked_up, refused, kept, moved;
static int look_up_error;

static size_t peer_of(const struct wg_path *path)
{
	return path->tx_index - 1;
}

static int look_up(void *ctx, const struct wg_path *path, uint32_t *ifindex)
{
	(void)ctx;
	looked_up++;
	*ifindex = peer_of(path) >= moved ? IF_AFTER : IF_BEFORE;
	return look_up_error;
}

static void source_refused(void *ctx, const struct wg_path *path)
{
	struct wg_path *mine = &paths[peer_of(path)];

	(void)ctx;
	assert_true(path_equal(mine, path));
	mine->local = (struct ip_addr){ 0 };
	mine->ifindex = 0;
	refused++;
}

static void source_kept(void *ctx, const struct wg_path *path)
{
	(void)ctx;
	assert_true(path_equal(&paths[peer_of(path)], path));
	paths[peer_of(path)] = *path;
	kept++;
}

static struct udp u;
static struct udp_tx tx = { .look_up = look_up, .source_refused = source_refused, .source_kept = source_kept };

static int learn_paths(void **state)
{
	(void)state;
	u.routes_version = 5;
	looked_up = refused = kept = 0;
	moved = PEERS;
	look_up_error = 0;
	for (uint32_t i = 0; i < PEERS; i++) {
		const uint8_t remote[4] = { 10, 1, (uint8_t)(i >> 8), (uint8_t)i }, local[4] = { 10, 0, 0, LOCAL };
		paths[i] = (struct wg_path){ .remote = { .addr = ip_v4(remote), .port = 1 }, .local = ip_v4(local),
					     .ifindex = IF_BEFORE, .tx_index = i + 1, .routes_version = 5 };
	}
	return 0;
}

/* A batch with a packet to each of n peers, from the first on. */
static void send_to(size_t first, size_t n)
{
	struct wg_batch b = { .paths = batch_paths, .n_paths = n };

	memcpy(batch_paths, paths + first, n * sizeof *paths);
	udp_check_sources(&u, &tx, &b);
	for (size_t i = 0; i < n; i++)
		assert_true(path_equal(&batch_paths[i], &paths[first + i]));
}

static void send_to_all(void)
{
	for (size_t i = 0; i < PEERS; i += UDP_LOOK_UPS_MAX)
		send_to(i, PEERS - i < UDP_LOOK_UPS_MAX ? PEERS - i : UDP_LOOK_UPS_MAX);
}

static size_t with_source(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PEERS; i++)
		n += paths[i].local.family != IP_NONE;
	return n;
}

static void only_peers_that_send_are_looked_up_once_for_each_change(void **state)
{
	(void)state;
	send_to_all();
	assert_int_equal(looked_up, PEERS);
	send_to_all();
	assert_int_equal(looked_up, PEERS);
	looked_up = 0;
	udp_routes_changed(&u);
	udp_routes_changed(&u);
	assert_int_equal(looked_up, 0);
	send_to(7, 3);
	send_to(7, 3);
	assert_int_equal(looked_up, 3);
	send_to_all();
	assert_int_equal(looked_up, PEERS);
	assert_int_equal(refused, 0);
	assert_int_equal(with_source(), PEERS);
}

static void only_sources_whose_route_changed_are_cleared(void **state)
{
	(void)state;
	send_to_all();
	udp_routes_changed(&u);
	moved = PEERS - 5;
	send_to_all();
	assert_int_equal(refused, 5);
	assert_int_equal(with_source(), PEERS - 5);
	looked_up = 0;
	send_to_all(); /* without a source there is nothing to look up */
	assert_int_equal(looked_up, 0);
}

static void a_batch_looks_up_a_bounded_number(void **state)
{
	(void)state;
	send_to(0, PEERS);
	assert_int_equal(looked_up, UDP_LOOK_UPS_MAX);
	for (size_t i = 0; i < PEERS / UDP_LOOK_UPS_MAX + 1; i++)
		send_to(0, PEERS);
	assert_int_equal(looked_up, PEERS);
	assert_int_equal(with_source(), PEERS);
}

/* One peer may have many runs in a batch. */
static void runs_of_one_peer_share_a_look_up(void **state)
{
	struct wg_batch b = { .paths = batch_paths, .n_paths = PEERS };

	(void)state;
	moved = 0;
	udp_routes_changed(&u);
	for (size_t i = 0; i < PEERS; i++)
		batch_paths[i] = paths[0];
	udp_check_sources(&u, &tx, &b);
	assert_int_equal(looked_up, 1);
	assert_int_equal(refused, 1);
	for (size_t i = 0; i < PEERS; i++)
		assert_int_equal(batch_paths[i].local.family, IP_NONE);
}

static void errors_of_look_ups_clear_only_sources_that_are_not_local(void **state)
{
	static const int harmless[] = { -EINVAL, -ENETUNREACH, -EHOSTUNREACH, -EACCES };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		look_up_error = harmless[i];
		udp_routes_changed(&u);
		send_to(0, 4);
		send_to(0, 4);
	}
	assert_int_equal(looked_up, 4 * ARRAY_LEN(harmless)); /* once for each change */
	assert_int_equal(refused, 0);
	udp_routes_changed(&u);
	look_up_error = -EADDRNOTAVAIL;
	send_to(0, 4);
	assert_int_equal(refused, 4);
}

static void paths_without_a_route_do_not_use_up_the_look_ups_of_others(void **state)
{
	(void)state;
	look_up_error = -EHOSTUNREACH;
	for (size_t i = 0; i < PEERS / UDP_LOOK_UPS_MAX + 1; i++)
		send_to(0, PEERS);
	assert_int_equal(looked_up, PEERS);
	look_up_error = 0; /* the routes come back as they were, and then change */
	udp_routes_changed(&u);
	send_to_all();
	assert_int_equal(refused, 0);
	udp_routes_changed(&u);
	moved = PEERS - 5;
	send_to_all();
	assert_int_equal(refused, 5);
}

static void nothing_is_looked_up_for_a_while_without_a_socket(void **state)
{
	static const int failures[] = { -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -EAGAIN, -EPERM };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		looked_up = 0;
		look_up_error = failures[i];
		send_to_all();
		send_to_all();
		assert_int_equal(looked_up, 1);
		tx.now_ns += 10 * NS_PER_S;
	}
	look_up_error = 0;
	looked_up = 0;
	send_to_all();
	assert_int_equal(looked_up, PEERS);
	assert_int_equal(with_source(), PEERS);
}

static void other_paths_are_not_looked_up(void **state)
{
	const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8 };

	(void)state;
	paths[0].remote.addr = paths[0].local = ip_v6(v6); /* independent of the interface */
	paths[1].local = (struct ip_addr){ 0 };
	send_to(0, 2);
	assert_int_equal(looked_up, 0);
}

/* Of IPv6 and without a source: while a path is slow, their devices are looked up, once for each change of routes. */
static void devices_are_looked_up_while_a_path_is_slow(void **state)
{
	const uint8_t v6[16] = { 0x20, 1, 0xd, 0xb8 };

	(void)state;
	paths[0].remote.addr = paths[0].local = ip_v6(v6);
	paths[1].remote.addr = ip_v6(v6);
	paths[1].local = paths[2].local = (struct ip_addr){ 0 };
	tx.slow[UDP_V6].n = 1;
	send_to(0, 3);
	send_to(0, 3);
	assert_int_equal(looked_up, 2); /* no IPv4 path is slow */
	assert_int_equal(paths[0].route_ifindex, IF_BEFORE);
	tx.slow[UDP_V4].n = 1;
	send_to(0, 3);
	assert_int_equal(looked_up, 3);
	assert_int_equal(paths[2].route_ifindex, IF_BEFORE);
	udp_routes_changed(&u);
	moved = 0;
	send_to(0, 3);
	send_to(0, 3);
	assert_int_equal(looked_up, 6);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(paths[i].route_ifindex, IF_AFTER);
	udp_routes_changed(&u);
	look_up_error = -ENETUNREACH;
	send_to(0, 3);
	send_to(0, 3);
	assert_int_equal(looked_up, 9);
	assert_int_equal(paths[0].route_ifindex, UDP_NO_DEVICE);
	assert_int_equal(refused, 0);
	udp_routes_changed(&u);
	tx.slow[UDP_V4].n = tx.slow[UDP_V6].n = 0;
	send_to(0, 3);
	assert_int_equal(looked_up, 9);
}

static void a_bound_source_is_not_looked_up(void **state)
{
	(void)state;
	u.binding.source[0] = ip_v4((const uint8_t[4]){ 10, 0, 0, LOCAL });
	moved = 0;
	send_to(0, 3);
	assert_int_equal(looked_up, 0);
	tx.slow[UDP_V4].n = 1;
	send_to(0, 3);
	udp_routes_changed(&u);
	moved = PEERS;
	send_to(0, 3);
	assert_int_equal(looked_up, 6);
	assert_int_equal(refused, 0);
	tx.slow[UDP_V4].n = 0;
	u.binding.source[0].family = IP_NONE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_peers_that_send_are_looked_up_once_for_each_change, learn_paths),
		cmocka_unit_test_setup(only_sources_whose_route_changed_are_cleared, learn_paths),
		cmocka_unit_test_setup(a_batch_looks_up_a_bounded_number, learn_paths),
		cmocka_unit_test_setup(runs_of_one_peer_share_a_look_up, learn_paths),
		cmocka_unit_test_setup(errors_of_look_ups_clear_only_sources_that_are_not_local, learn_paths),
		cmocka_unit_test_setup(paths_without_a_route_do_not_use_up_the_look_ups_of_others, learn_paths),
		cmocka_unit_test_setup(nothing_is_looked_up_for_a_while_without_a_socket, learn_paths),
		cmocka_unit_test_setup(other_paths_are_not_looked_up, learn_paths),
		cmocka_unit_test_setup(devices_are_looked_up_while_a_path_is_slow, learn_paths),
		cmocka_unit_test_setup(a_bound_source_is_not_looked_up, learn_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
