/* A tunnel that goes on in another process: traffic, counters, timers and configuration; and states that are not valid. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/tunnel_state.h"
#include "../../lib/sample.h"
#include "../../lib/tunnel_pair.h"

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes export(struct wg_tunnel *t)
{
	struct bytes b = { .n = tunnel_export_bytes(t) };

	b.p = malloc(b.n);
	assert_non_null(b.p);
	assert_true(tunnel_export(t, b.p, b.n));
	return b;
}

static void send_ping(struct pair *p, int from)
{
	uint8_t ping[84];

	pair_ipv4(ping, sizeof ping, from);
	pair_tun(p, from, ping, sizeof ping);
}

static struct pair *pair_with_session(uint64_t seed)
{
	struct pair *p = pair_new(seed);

	send_ping(p, 0);
	pair_exchange(p);
	send_ping(p, 1);
	pair_exchange(p);
	assert_int_equal(p->side[0].got->n, 1);
	assert_int_equal(p->side[1].got->n, 1);
	pair_clear(p);
	return p;
}

/* Side i goes on in another tunnel; returns the one before. */
static struct wg_tunnel *take_over(struct pair *p, int i)
{
	struct pair_side *s = &p->side[i];
	struct wg_tunnel *before = s->tunnel;
	struct bytes b = export(before);

	s->tunnel = tunnel_new(&before->env);
	assert_non_null(s->tunnel);
	assert_int_equal(tunnel_import(s->tunnel, p->now_ns, b.p, b.n), 0);
	s->peer = tunnel_peer_next(s->tunnel, NULL);
	assert_non_null(s->peer);
	free(b.p);
	return before;
}

static bool only_data(const struct pair_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->packets[i].bytes[0] != 4)
			return false;
	return true;
}

static void both_directions_go_on_without_a_handshake(void **state)
{
	struct pair *p = pair_with_session(1);

	(void)state;
	for (int round = 0; round < 4; round++) {
		struct wg_peer_state before = pair_state(p, round % 2), after;
		uint64_t next = atomic_load(&p->side[round % 2].peer->sessions.current->tx_counter);

		tunnel_free(take_over(p, round % 2));
		after = pair_state(p, round % 2);
		assert_memory_equal(&after.public_key, &before.public_key, KEY_BYTES);
		assert_true(endpoint_equal(&after.endpoint, &before.endpoint));
		assert_true(after.rx_bytes == before.rx_bytes && after.tx_bytes == before.tx_bytes);
		assert_true(after.handshake_s == before.handshake_s && after.handshake_ns == before.handshake_ns);
		assert_true(atomic_load(&p->side[round % 2].peer->sessions.current->tx_counter) >= next);
		send_ping(p, 0);
		send_ping(p, 1);
		assert_true(only_data(p->side[0].sent) && only_data(p->side[1].sent));
		pair_exchange(p);
		assert_int_equal(p->side[0].got->n, 1);
		assert_int_equal(p->side[1].got->n, 1);
		pair_clear(p);
	}
	pair_free(p);
}

static void the_tunnel_before_sends_nothing_with_its_sessions(void **state)
{
	struct pair *p = pair_with_session(2);
	struct wg_tunnel *before = take_over(p, 0), *after = p->side[0].tunnel;

	(void)state;
	p->now_ns += NS_PER_S; /* initiations in quick succession are refused */
	p->side[0].tunnel = before;
	p->side[0].peer = tunnel_peer_next(before, NULL);
	assert_false(session_can_send(p->side[0].peer->sessions.current, p->now_ns));
	send_ping(p, 0);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->n, 1);
	assert_int_equal(p->side[0].sent->packets[0].bytes[0], 1); /* it can only begin a new one */
	pair_exchange(p);
	assert_int_equal(p->side[1].got->n, 1);
	tunnel_free(after);
	pair_free(p);
}

static void what_was_received_before_is_a_replay_after(void **state)
{
	struct pair *p = pair_with_session(3);
	struct pair_packet message, again;

	(void)state;
	send_ping(p, 1);
	message = p->side[1].sent->packets[0];
	pair_exchange(p);
	tunnel_free(take_over(p, 0));
	again = pair_udp(p, 0, message.bytes, message.n, NULL, 0);
	assert_int_equal(again.drop, WG_DROP_REPLAY);
	pair_free(p);
}

static void counters_end_where_they_ended(void **state)
{
	struct pair *p = pair_with_session(4);
	struct wg_session *s = p->side[0].peer->sessions.current;

	(void)state;
	atomic_store(&s->tx_counter, REJECT_AFTER_MESSAGES - 5);
	tunnel_free(take_over(p, 0));
	assert_int_equal(atomic_load(&p->side[0].peer->sessions.current->tx_counter), REJECT_AFTER_MESSAGES);
	assert_false(session_can_send(p->side[0].peer->sessions.current, p->now_ns));
	pair_free(p);
}

static void sessions_stay_in_their_slots(void **state)
{
	struct pair *p = pair_with_session(5);
	uint32_t local, before;

	(void)state;
	before = p->side[0].peer->sessions.current->local;
	for (int i = 0; i < 140 && p->side[0].peer->sessions.current->local == before; i++) {
		send_ping(p, 0);
		pair_exchange(p);
		pair_run(p, p->now_ns + NS_PER_S, false);
		pair_clear(p);
	}
	assert_non_null(p->side[0].peer->sessions.previous);
	local = p->side[0].peer->sessions.current->local;
	tunnel_free(take_over(p, 0));
	assert_int_equal(p->side[0].peer->sessions.current->local, local);
	assert_int_equal(p->side[0].peer->sessions.previous->local, before);
	assert_null(p->side[0].peer->sessions.next);
	pair_free(p);

	p = pair_new(6); /* a responder that has not received yet */
	send_ping(p, 0);
	pair_collect(p, 0);
	pair_udp(p, 1, p->side[0].sent->packets[0].bytes, p->side[0].sent->packets[0].n, NULL, 0);
	pair_collect(p, 1);
	assert_non_null(p->side[1].peer->sessions.next);
	tunnel_free(take_over(p, 1));
	assert_non_null(p->side[1].peer->sessions.next);
	assert_null(p->side[1].peer->sessions.current);
	assert_true(atomic_load(&p->side[1].peer->sessions.next->is_next));
	pair_clear(p);
	pair_free(p);
}

static void timers_go_on(void **state)
{
	struct pair *p = pair_with_session(7);
	uint64_t deadline;

	(void)state;
	tunnel_peer_set_keepalive(p->side[0].tunnel, p->now_ns, p->side[0].peer, 20);
	pair_run(p, p->now_ns + NS_PER_S, false);
	pair_clear(p);
	deadline = tunnel_deadline(p->side[0].tunnel);
	tunnel_free(take_over(p, 0));
	assert_int_equal(tunnel_deadline(p->side[0].tunnel), deadline);
	pair_run(p, p->now_ns + 10 * NS_PER_S, false);
	assert_int_equal(p->side[0].sent->n, 0);
	pair_run(p, p->now_ns + 200 * NS_PER_S, false); /* a rekey of the taken over session */
	send_ping(p, 0);
	pair_exchange(p);
	assert_int_equal(p->side[1].got->n, 1);
	pair_free(p);
}

/* Packets that wait for a session are lost, and counted once; a keepalive is none. */
static void waiting_packets_are_counted(void **state)
{
	struct pair *p = pair_new(9);
	uint64_t counts[WG_DROP_COUNT];

	(void)state;
	for (int i = 0; i < 3; i++)
		send_ping(p, 0);
	tunnel_peer_send_keepalive(p->side[1].tunnel, p->side[1].peer);
	tunnel_free(take_over(p, 0));
	tunnel_free(take_over(p, 1));
	for (int i = 0; i < 2; i++) {
		tunnel_drops(p->side[i].tunnel, counts);
		for (unsigned int why = 0; why < WG_DROP_COUNT; why++)
			assert_int_equal(counts[why], why == WG_DROP_GAVE_UP && i == 0 ? 3 : 0);
	}
	tunnel_free(take_over(p, 0)); /* they are counted once */
	tunnel_drops(p->side[0].tunnel, counts);
	assert_int_equal(counts[WG_DROP_GAVE_UP], 0);
	pair_free(p);
}

static void a_tunnel_without_anything_can_be_handed_over(void **state)
{
	struct pair *p = pair_new(8);
	struct wg_tunnel *empty = tunnel_new(&p->side[0].tunnel->env), *copy = tunnel_new(&p->side[0].tunnel->env);
	struct bytes b = export(empty);
	struct wg_public pub;

	(void)state;
	assert_int_equal(tunnel_import(copy, p->now_ns, b.p, b.n), 0);
	assert_false(tunnel_public_key(copy, &pub));
	assert_null(tunnel_peer_next(copy, NULL));
	free(b.p);
	tunnel_free(empty);
	tunnel_free(copy);
	pair_free(p);
}

/* Imports a copy of exactly n bytes into a fresh tunnel. */
static int try(struct pair *p, const uint8_t *bytes, size_t n, bool use)
{
	struct wg_tunnel *t = tunnel_new(&p->side[0].tunnel->env), *before = p->side[0].tunnel;
	uint8_t *copy = malloc(n ? n : 1);
	int error;

	assert_true(t && copy);
	memcpy(copy, bytes, n);
	error = tunnel_import(t, p->now_ns, copy, n);
	if (!error && use) { /* what it says may be wrong, but never harms */
		p->side[0].tunnel = t;
		send_ping(p, 0);
		send_ping(p, 1);
		pair_exchange(p);
		pair_run(p, p->now_ns + NS_PER_S, false);
		pair_clear(p);
		p->side[0].tunnel = before;
	}
	free(copy);
	tunnel_free(t);
	return error;
}

static void truncated_and_longer_states_are_refused(void **state)
{
	struct pair *p = pair_with_session(9);
	struct bytes b = export(p->side[0].tunnel);

	(void)state;
	for (size_t n = sample_first(); n < b.n; n += sample_step())
		assert_int_equal(try(p, b.p, n, false), -EPROTO);
	b.p = realloc(b.p, b.n + 1);
	b.p[b.n] = 0;
	assert_int_equal(try(p, b.p, b.n, false), 0);
	assert_int_equal(try(p, b.p, b.n + 1, false), -EPROTO);
	free(b.p);
	pair_free(p);
}

static void changed_bytes_do_no_harm(void **state)
{
	struct pair *p = pair_with_session(10);
	struct bytes b = export(p->side[0].tunnel);
	uint64_t x = sample_seed(1);
	size_t n_refused = 0;

	(void)state;
	for (size_t i = sample_first(); i < b.n; i += sample_step()) {
		uint8_t was = b.p[i];
		int error;
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		b.p[i] ^= (uint8_t)(x >> 56 ? x >> 56 : 1);
		error = try(p, b.p, b.n, true);
		assert_true(error == 0 || error == -EPROTO);
		n_refused += error != 0;
		b.p[i] = was;
	}
	assert_true(n_refused > 50 / sample_step());
	free(b.p);
	pair_free(p);
}

static void sessions_of_the_future_are_refused(void **state)
{
	struct pair *p = pair_with_session(11);
	struct bytes b;

	(void)state;
	p->side[0].peer->sessions.current->created_ns = p->now_ns + 1;
	b = export(p->side[0].tunnel);
	assert_int_equal(try(p, b.p, b.n, false), -EPROTO);
	free(b.p);
	pair_free(p);
}

static void replay_windows_are_checked(void **state)
{
	struct wg_replay r = { 0 };

	(void)state;
	assert_true(replay_is_valid(&r));
	for (uint64_t counter = 0; counter < 20000; counter += 1 + counter % 77) {
		assert_true(replay_accept(&r, counter));
		assert_true(replay_is_valid(&r));
	}
	r.next--; /* the greatest is beyond now */
	assert_false(replay_is_valid(&r));
	r.next += 2;
	assert_false(replay_is_valid(&r));
	r.next = 0;
	assert_false(replay_is_valid(&r));
	r.next = UINT64_MAX;
	assert_false(replay_is_valid(&r));
}

/* After a crash, the other side has a session that this one has not. */
static void a_keepalive_begins_a_session(void **state)
{
	struct pair *p = pair_new(9);

	(void)state;
	tunnel_peer_send_keepalive(p->side[0].tunnel, p->side[0].peer);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->n, 1);
	assert_int_equal(p->side[0].sent->packets[0].bytes[0], 1); /* an initiation */
	pair_exchange(p);
	assert_true(pair_state(p, 0).handshake_s > 0 && pair_state(p, 1).handshake_s > 0);
	pair_clear(p);
	send_ping(p, 1); /* the responder may send, too */
	assert_true(p->side[1].sent->n == 1 && only_data(p->side[1].sent));
	tunnel_down(p->side[0].tunnel);
	tunnel_peer_send_keepalive(p->side[0].tunnel, p->side[0].peer);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->n, 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_go_on_without_a_handshake),
		cmocka_unit_test(the_tunnel_before_sends_nothing_with_its_sessions),
		cmocka_unit_test(what_was_received_before_is_a_replay_after),
		cmocka_unit_test(counters_end_where_they_ended),
		cmocka_unit_test(sessions_stay_in_their_slots),
		cmocka_unit_test(timers_go_on),
		cmocka_unit_test(waiting_packets_are_counted),
		cmocka_unit_test(a_tunnel_without_anything_can_be_handed_over),
		cmocka_unit_test(truncated_and_longer_states_are_refused),
		cmocka_unit_test(changed_bytes_do_no_harm),
		cmocka_unit_test(sessions_of_the_future_are_refused),
		cmocka_unit_test(replay_windows_are_checked),
		cmocka_unit_test(a_keepalive_begins_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
