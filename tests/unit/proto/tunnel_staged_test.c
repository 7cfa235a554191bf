/* Packets of peers without a session: their way to control, and the list of peers that are ready. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/tunnel_state.h"
#include "../../lib/tunnel_pair.h"

enum { OFFLINE = 3, BATCH = 150, DST_BYTES = 200 };

static struct wg_tunnel_peer *add_offline(struct wg_tunnel *t, uint8_t i)
{
	const struct wg_public key = { { 9, i } };
	const struct ip_addr net = ip_v4((const uint8_t[4]){ 10, 0, i, 0 });
	const struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, i }), .port = i };
	struct wg_tunnel_peer *p;
	struct ip_prefix prefix;

	assert_int_equal(tunnel_peer_add(&p, t, &key), 0);
	tunnel_peer_set_endpoint(t, p, &endpoint);
	assert_true(prefix_make(&prefix, &net, 24));
	assert_int_equal(tunnel_route_add(t, p, &prefix), 0);
	return p;
}

/* Seals n packets to the peer, and returns how many are left to control. */
static unsigned int seal_offline(struct wg_tunnel *t, uint64_t now_ns, uint8_t peer, size_t n)
{
	static uint8_t in[84], dst[BATCH][DST_BYTES];
	static struct wg_buf bufs[BATCH];
	struct wg_path paths[BATCH];
	struct wg_batch b = { bufs, n, paths, 0 };
	unsigned int left = 0;

	assert_true(n <= BATCH);
	pair_ipv4(in, sizeof in, 0);
	in[18] = peer;
	for (size_t i = 0; i < n; i++)
		bufs[i] = (struct wg_buf){ .src = in, .dst = dst[i], .n = sizeof in };
	tunnel_seal(t, now_ns, &b);
	for (size_t i = 0; i < n; i++)
		left += bufs[i].verdict == WG_CONTROL;
	return left;
}

static void test_peers_share_the_way_to_control(void **state)
{
	struct pair *p = pair_new(2);
	struct wg_tunnel *t = p->side[0].tunnel;
	uint64_t drops[WG_DROP_COUNT];

	(void)state;
	add_offline(t, 1);
	add_offline(t, 2);
	tunnel_hold(t);
	assert_int_equal(seal_offline(t, p->now_ns, 1, BATCH), BATCH);
	assert_int_equal(seal_offline(t, p->now_ns, 1, BATCH), BATCH);
	assert_int_equal(seal_offline(t, p->now_ns, 1, BATCH), 341 - 2 * BATCH);
	assert_int_equal(seal_offline(t, p->now_ns, 1, BATCH), 0);
	assert_int_equal(seal_offline(t, p->now_ns, 2, 3), 3);
	tunnel_drops(t, drops);
	assert_int_equal(drops[WG_DROP_STAGED_FULL], 4 * BATCH - 341);
	tunnel_queue_emptied(t);
	assert_int_equal(seal_offline(t, p->now_ns, 1, 3), 3);
	pair_free(p);
}

/* Peers with staged packets are removed from any place of the list of peers that are ready. */
static void test_remove_ready_peers(void **state)
{
	static uint8_t in[84], datagram[WG_DATAGRAM_MAX];
	struct wg_tunnel_peer *peers[OFFLINE];
	struct wg_buf buf, out = { .dst = datagram };
	struct wg_batch b = { &buf, 1, NULL, 0 };
	struct wg_path to;

	(void)state;
	pair_ipv4(in, sizeof in, 0);
	for (unsigned int removed = 0; removed < 1u << OFFLINE; removed++) {
		struct pair *p = pair_new(2);
		struct wg_tunnel *t = p->side[0].tunnel;

		for (uint8_t i = 0; i < OFFLINE; i++) {
			peers[i] = add_offline(t, i + 1);
			in[18] = i + 1;
			buf = (struct wg_buf){ .src = in, .n = sizeof in, .verdict = WG_CONTROL };
			tunnel_control_tun(t, p->now_ns, &b);
		}
		for (int i = 0; i < OFFLINE; i++)
			if (removed & 1u << i)
				tunnel_peer_remove(t, peers[i]);
		for (int i = 0; i < OFFLINE; i++) {
			if (removed & 1u << i)
				continue;
			assert_true(tunnel_control_next(t, p->now_ns, &out, &to));
			assert_int_equal(to.remote.port, i + 1);
		}
		assert_false(tunnel_control_next(t, p->now_ns, &out, &to));
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers_share_the_way_to_control),
		cmocka_unit_test(test_remove_ready_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
