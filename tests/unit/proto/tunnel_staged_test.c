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

/* Of a TUN device with an MTU of 65535: its datagram would be longer than the buffer of tunnel_control_next. */
static void test_a_packet_longer_than_a_datagram_is_dropped(void **state)
{
	static uint8_t in[65535], dst[sizeof in + 15 + WG_OVERHEAD];
	struct pair *p = pair_new(3);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_buf buf = { .src = in, .dst = dst };
	struct wg_buf out = { .dst = dst };
	struct wg_path path = { .tx_index = 0 };
	struct wg_batch b = { &buf, 1, &path, 0 };
	static const uint32_t sizes[] = { WG_DATAGRAM_MAX - 15 - WG_OVERHEAD, WG_DATAGRAM_MAX - 14 - WG_OVERHEAD, 65535 };

	(void)state;
	tunnel_set_mtu(t, 65535);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		pair_ipv4(in, sizes[i], 0);
		buf.n = sizes[i];
		tunnel_seal(t, p->now_ns, &b);
		assert_int_equal(buf.verdict, WG_CONTROL);
		tunnel_control_tun(t, p->now_ns, &b);
		assert_int_equal(buf.drop, i == 0 ? WG_DROP_NONE : WG_DROP_SEND);
	}
	while (tunnel_control_next(t, p->now_ns, &out, &path)) { /* the initiation */
		struct wg_path from = p->side[1].path;
		struct wg_buf received = { .src = dst, .n = out.out_n, .dst = in };
		struct wg_batch one = { &received, 1, &from, 1 };

		tunnel_open(p->side[1].tunnel, p->now_ns, &one);
		tunnel_control_udp(p->side[1].tunnel, p->now_ns, &one, false);
	}
	assert_true(tunnel_control_next(p->side[1].tunnel, p->now_ns, &out, &path));
	buf = (struct wg_buf){ .src = dst, .n = out.out_n, .dst = in };
	path = p->side[0].path;
	b.n_paths = 1;
	tunnel_open(t, p->now_ns, &b);
	tunnel_control_udp(t, p->now_ns, &b, false);
	assert_true(tunnel_control_next(t, p->now_ns, &out, &path));
	assert_true(out.out_n > 65000 && out.out_n <= WG_DATAGRAM_MAX);
	pair_free(p);
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
		cmocka_unit_test(test_a_packet_longer_than_a_datagram_is_dropped),
		cmocka_unit_test(test_peers_share_the_way_to_control),
		cmocka_unit_test(test_remove_ready_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
