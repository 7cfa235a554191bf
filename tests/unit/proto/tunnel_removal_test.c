/* Removal of peers that are in lists: the others stay there, and are not touched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/tunnel_state.h"
#include "../../lib/tunnel_pair.h"

enum { PEERS = 5, BYTES = 200 };

static void add_peers(struct wg_tunnel *t, struct wg_tunnel_peer *peers[PEERS])
{
	for (uint8_t i = 0; i < PEERS; i++) {
		const struct wg_public key = { { 9, i } };
		const struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, i }), .port = i + 1 };
		assert_int_equal(tunnel_peer_add(&peers[i], t, &key), 0);
		tunnel_peer_set_endpoint(t, peers[i], &endpoint);
	}
}

/* Sends everything that is due: one bit for each peer, by the port. */
static unsigned int ports_of_sent(struct pair *p)
{
	static uint8_t bytes[BYTES];
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_buf out = { .dst = bytes };
	struct wg_path to;
	unsigned int ports = 0;

	while (tunnel_control_next(t, p->now_ns, &out, &to)) {
		assert_int_equal(ports & 1u << to.remote.port, 0);
		ports |= 1u << to.remote.port;
	}
	return ports;
}

static void removed_peers_leave_the_wake_list(void **state)
{
	struct pair *p = pair_new(1);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_tunnel_peer *peers[PEERS];

	(void)state;
	add_peers(t, peers);
	for (int i = 0; i < PEERS; i++)
		peer_wake(t, peers[i], WAKE_REKEY);
	tunnel_peer_remove(t, peers[2]);
	assert_false(tunnel_needs_control(t)); /* control has taken the list, for all removals */
	assert_int_equal(tunnel_deadline(t), 0);
	tunnel_peer_remove(t, peers[0]);
	peer_wake(t, peers[1], WAKE_TIMER); /* is listed already */
	assert_false(tunnel_needs_control(t));
	tunnel_peer_remove(t, peers[4]);
	assert_int_equal(ports_of_sent(p), 1 << 2 | 1 << 4);
	assert_int_equal(atomic_load(&peers[1]->wake_reasons), 0);
	peer_wake(t, peers[1], WAKE_TIMER);
	assert_true(tunnel_needs_control(t));
	tunnel_peer_remove(t, peers[1]);
	tunnel_peer_remove(t, peers[3]);
	assert_false(tunnel_needs_control(t));
	pair_free(p);
}

static void put_in_outbox(struct pair *p, struct wg_tunnel_peer *peer)
{
	const uint8_t msg[MSG_INITIATION_BYTES] = { 1 };

	assert_true(send_handshake(p->side[0].tunnel, p->now_ns, peer, &msg, sizeof msg));
}

static void datagrams_of_removed_peers_are_not_sent(void **state)
{
	struct pair *p = pair_new(2);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_tunnel_peer *peers[PEERS];

	(void)state;
	add_peers(t, peers);
	put_in_outbox(p, peers[0]); /* an earlier outbox */
	put_in_outbox(p, peers[1]);
	assert_int_equal(ports_of_sent(p), 1 << 1 | 1 << 2);
	put_in_outbox(p, peers[2]);
	put_in_outbox(p, peers[3]); /* has the number that peer 1 had */
	put_in_outbox(p, peers[1]);
	put_in_outbox(p, peers[2]);
	put_in_outbox(p, peers[4]);
	put_in_outbox(p, peers[2]);
	tunnel_peer_remove(t, peers[0]); /* has none now */
	tunnel_peer_remove(t, peers[2]);
	assert_int_equal(ports_of_sent(p), 1 << 2 | 1 << 4 | 1 << 5);
	put_in_outbox(p, peers[1]);
	put_in_outbox(p, peers[3]);
	tunnel_peer_remove(t, peers[1]);
	assert_int_equal(ports_of_sent(p), 1 << 4);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_peers_leave_the_wake_list),
		cmocka_unit_test(datagrams_of_removed_peers_are_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
