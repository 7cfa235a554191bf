/* Sessions that do not send: the previous one of a peer, how long it is kept, and those of a copied machine. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/tunnel_state.h"
#include "../../lib/tunnel_pair.h"

static const struct session_slots *slots_of(const struct pair *p, int side)
{
	return &p->side[side].peer->sessions;
}

static void send_ping(struct pair *p, int from)
{
	uint8_t ping[84];

	pair_ipv4(ping, sizeof ping, from);
	pair_tun(p, from, ping, sizeof ping);
}

static void run_for(struct pair *p, uint64_t ns)
{
	pair_run(p, p->now_ns + ns, false);
	pair_clear(p);
}

/* Traffic until side 0 has begun a new session, and both use it. */
static void rekey(struct pair *p)
{
	const struct wg_session *before = slots_of(p, 0)->current;

	for (int i = 0; i < 140 && slots_of(p, 0)->current == before; i++) {
		run_for(p, NS_PER_S);
		send_ping(p, 0);
		pair_exchange(p);
	}
	assert_ptr_not_equal(slots_of(p, 0)->current, before);
	send_ping(p, 1);
	pair_exchange(p);
}

static void an_unused_previous_session_is_freed(void **state)
{
	struct pair *p = pair_new(21);

	(void)state;
	send_ping(p, 0);
	pair_exchange(p);
	rekey(p);
	for (int side = 0; side < 2; side++)
		assert_non_null(slots_of(p, side)->previous);
	run_for(p, 29 * NS_PER_S);
	for (int side = 0; side < 2; side++)
		assert_non_null(slots_of(p, side)->previous);
	run_for(p, 2 * NS_PER_S);
	for (int side = 0; side < 2; side++) {
		assert_null(slots_of(p, side)->previous);
		assert_non_null(slots_of(p, side)->current);
		assert_int_equal(p->side[side].tunnel->indices.n, 1);
	}
	pair_free(p);
}

/* The confirmation of a session is lost, and the responder initiates another one. The peer may send with either, and
 * rarely. */
static void a_session_that_the_peer_initiated_is_kept_as_long_as_it_lives(void **state)
{
	struct pair *p = pair_new(22);
	const struct wg_session *unconfirmed;

	(void)state;
	send_ping(p, 0);
	pair_udp(p, 1, p->side[0].sent->packets[0].bytes, 148, NULL, 0);
	pair_udp(p, 0, p->side[1].sent->packets[0].bytes, 92, NULL, 0);
	unconfirmed = slots_of(p, 1)->next;
	assert_non_null(unconfirmed);
	pair_clear(p);
	pair_run(p, p->now_ns + 6 * NS_PER_S, true);
	pair_clear(p);
	send_ping(p, 1);
	pair_exchange(p);
	assert_ptr_equal(slots_of(p, 1)->previous, unconfirmed);
	run_for(p, 100 * NS_PER_S);
	assert_ptr_equal(slots_of(p, 1)->previous, unconfirmed);
	run_for(p, 75 * NS_PER_S);
	assert_null(slots_of(p, 1)->previous);
	pair_free(p);
}

/* The peer has not noticed the new session: nothing of it arrives. It goes on with the old one. */
static void a_previous_session_in_use_is_kept(void **state)
{
	struct pair *p = pair_new(23);

	(void)state;
	send_ping(p, 0);
	pair_exchange(p);
	rekey(p);
	pair_clear(p);
	for (int i = 0; i < 2; i++) {
		struct wg_session *old = slots_of(p, 0)->previous;
		assert_non_null(old);
		spin_lock(&old->rx_lock);
		assert_true(replay_accept(&old->rx_window, old->rx_window.next)); /* as if a packet had arrived */
		spin_unlock(&old->rx_lock);
		pair_run(p, p->now_ns + 25 * NS_PER_S, false);
		pair_clear(p);
	}
	assert_non_null(slots_of(p, 0)->previous);
	pair_run(p, p->now_ns + 11 * NS_PER_S, false);
	assert_null(slots_of(p, 0)->previous);
	pair_free(p);
}

/* The packets that confirm a new session are lost, and nobody sends for a while. The responder has only the old one. */
static void a_previous_session_is_kept_until_its_successor_has_received(void **state)
{
	struct pair *p = pair_new(26);
	const struct wg_session *old;
	unsigned int initiator = 0;

	(void)state;
	send_ping(p, 0);
	pair_exchange(p);
	send_ping(p, 1);
	pair_exchange(p);
	old = slots_of(p, 0)->current;
	for (int i = 0; i < 140 && p->side[0].sent->n == 0; i++) { /* until it initiates: a ping, and 148 bytes */
		run_for(p, NS_PER_S);
		send_ping(p, 0);
		if (p->side[0].sent->n > 1)
			break;
		pair_exchange(p);
	}
	while (initiator < p->side[0].sent->n && p->side[0].sent->packets[initiator].n != 148)
		initiator++;
	assert_true(initiator < p->side[0].sent->n);
	pair_udp(p, 1, p->side[0].sent->packets[initiator].bytes, 148, NULL, 0);
	pair_udp(p, 0, p->side[1].sent->packets[p->side[1].sent->n - 1].bytes, 92, NULL, 0);
	pair_clear(p); /* what confirms it is lost */
	assert_ptr_equal(slots_of(p, 0)->previous, old);
	assert_non_null(slots_of(p, 1)->next);
	run_for(p, 40 * NS_PER_S);
	assert_ptr_equal(slots_of(p, 0)->previous, old);
	send_ping(p, 1);
	pair_udp(p, 0, p->side[1].sent->packets[0].bytes, p->side[1].sent->packets[0].n, NULL, 0);
	assert_int_equal(p->side[0].got->n, 1);
	pair_free(p);
}

static void sessions_of_a_copied_machine_receive_only(void **state)
{
	struct pair *p = pair_new(24);
	uint8_t ping[84];

	(void)state;
	send_ping(p, 0);
	pair_exchange(p);
	send_ping(p, 1);
	pair_exchange(p);
	pair_clear(p);
	tunnel_expire_sessions(p->side[1].tunnel);
	send_ping(p, 0);
	assert_int_equal(p->side[0].sent->packets[0].n, 128);
	pair_exchange(p);
	assert_int_equal(p->side[1].got->n, 1);
	pair_clear(p);
	pair_ipv4(ping, sizeof ping, 1);
	assert_int_equal(pair_tun(p, 1, ping, sizeof ping).verdict, WG_CONTROL);
	assert_int_equal(p->side[1].sent->n, 1);
	assert_int_equal(p->side[1].sent->packets[0].n, 148); /* at once */
	pair_exchange(p);
	assert_int_equal(p->side[0].got->n, 1);
	pair_free(p);
}

static void handshakes_of_a_copied_machine_are_given_up(void **state)
{
	struct pair *p = pair_new(25);
	struct pair_packet response;

	(void)state;
	send_ping(p, 0);
	pair_udp(p, 1, p->side[0].sent->packets[0].bytes, 148, NULL, 0);
	response = p->side[1].sent->packets[0];
	assert_int_equal(response.n, 92);
	tunnel_expire_sessions(p->side[0].tunnel);
	pair_udp(p, 0, response.bytes, response.n, NULL, 0);
	assert_null(slots_of(p, 0)->current);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unused_previous_session_is_freed),
		cmocka_unit_test(a_session_that_the_peer_initiated_is_kept_as_long_as_it_lives),
		cmocka_unit_test(a_previous_session_in_use_is_kept),
		cmocka_unit_test(a_previous_session_is_kept_until_its_successor_has_received),
		cmocka_unit_test(sessions_of_a_copied_machine_receive_only),
		cmocka_unit_test(handshakes_of_a_copied_machine_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
