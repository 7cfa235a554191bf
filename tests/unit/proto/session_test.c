/* Sessions: age, the last counters, every rotation of the three slots, and the choice of the session for
 * sending. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/session.h"
#include "../../lib/tunnel_pair.h"

static struct wg_session *session(uint32_t local, bool initiator)
{
	struct wg_keypair keys = { .local = local, .initiator = initiator };
	struct wg_session *s = session_new(NULL, &keys, 1000);

	assert_non_null(s);
	return s;
}

static void test_age(void **state)
{
	struct wg_session *i = session(1, true), *r = session(2, false);

	(void)state;
	assert_true(session_can_send(i, 0)); /* the clock of another thread is behind */
	assert_true(session_can_send(i, 1000 + 180 * NS_PER_S - 1));
	assert_false(session_can_send(i, 1000 + 180 * NS_PER_S));
	assert_false(session_can_send(r, 1000 + 180 * NS_PER_S));
	assert_false(session_can_send(NULL, 1000));
	assert_false(session_needs_rekey(i, 1000 + 120 * NS_PER_S - 1));
	assert_true(session_needs_rekey(i, 1000 + 120 * NS_PER_S));
	assert_false(session_needs_rekey(r, 1000 + 179 * NS_PER_S));
	session_free(i);
	session_free(r);
}

static void test_counters(void **state)
{
	struct wg_session *s = session(1, false);
	uint64_t first = 1;

	(void)state;
	assert_int_equal(session_reserve_counters(s, 64, &first), 64);
	assert_int_equal(first, 0);
	assert_int_equal(session_reserve_counters(s, 1, &first), 1);
	assert_int_equal(first, 64);
	atomic_store(&s->tx_counter, REKEY_AFTER_MESSAGES);
	assert_false(session_needs_rekey(s, 1000));
	assert_int_equal(session_reserve_counters(s, 1, &first), 1);
	assert_true(session_needs_rekey(s, 1000));
	atomic_store(&s->tx_counter, REJECT_AFTER_MESSAGES - 3);
	assert_int_equal(session_reserve_counters(s, 10, &first), 3);
	assert_true(first == REJECT_AFTER_MESSAGES - 3);
	assert_false(session_can_send(s, 1000));
	for (int i = 0; i < 20000; i++) /* never wraps to 0, however often it is called */
		assert_int_equal(session_reserve_counters(s, 1000, &first), 0);
	assert_true(atomic_load(&s->tx_counter) == REJECT_AFTER_MESSAGES);
	atomic_store(&s->tx_counter, 5);
	session_stop_sending(s);
	assert_false(session_can_send(s, 1000));
	session_stop_sending(NULL);
	session_free(s);
	session_free(NULL);
}

struct rotation_case { /* slots by local index, 0: empty */
	struct { uint32_t next, current, previous; } before;
	enum session_rotation rotation;
	struct { uint32_t next, current, previous; } after;
};

static const struct rotation_case rotation_cases[] = { /* 9 is the new session */
	{ { 0, 0, 0 }, SESSION_INITIATED, { 0, 9, 0 } },
	{ { 0, 2, 0 }, SESSION_INITIATED, { 0, 9, 2 } },
	{ { 0, 2, 3 }, SESSION_INITIATED, { 0, 9, 2 } },
	{ { 0, 0, 3 }, SESSION_INITIATED, { 0, 9, 0 } },
	{ { 1, 0, 0 }, SESSION_INITIATED, { 0, 9, 1 } },
	{ { 1, 2, 0 }, SESSION_INITIATED, { 0, 9, 1 } },
	{ { 1, 2, 3 }, SESSION_INITIATED, { 0, 9, 1 } },
	{ { 0, 0, 0 }, SESSION_RESPONDED, { 9, 0, 0 } },
	{ { 0, 2, 0 }, SESSION_RESPONDED, { 9, 2, 0 } },
	{ { 0, 2, 3 }, SESSION_RESPONDED, { 9, 2, 0 } },
	{ { 1, 2, 3 }, SESSION_RESPONDED, { 9, 2, 0 } },
	{ { 1, 0, 0 }, SESSION_CONFIRMED, { 0, 1, 0 } },
	{ { 1, 2, 0 }, SESSION_CONFIRMED, { 0, 1, 2 } },
	{ { 1, 2, 3 }, SESSION_CONFIRMED, { 0, 1, 2 } },
	{ { 1, 2, 3 }, SESSION_FORGET, { 1, 2, 0 } },
	{ { 0, 2, 0 }, SESSION_FORGET, { 0, 2, 0 } },
	{ { 1, 2, 3 }, SESSION_CLEAR, { 0, 0, 0 } },
	{ { 0, 0, 0 }, SESSION_CLEAR, { 0, 0, 0 } },
};

static uint32_t name(const struct wg_session *s)
{
	return s ? s->local : 0;
}

static struct wg_session *maybe(uint32_t local)
{
	return local ? session(local, false) : NULL;
}

static void test_rotation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rotation_cases); i++) {
		const struct rotation_case *x = &rotation_cases[i];
		struct session_slots s = { maybe(x->before.next), maybe(x->before.current),
					   maybe(x->before.previous) };
		bool is_fresh = x->rotation == SESSION_INITIATED || x->rotation == SESSION_RESPONDED;
		struct wg_session *fresh = is_fresh ? session(9, true) : NULL, *dropped[3];
		uint32_t kept = 0;

		if (s.next)
			atomic_store(&s.next->is_next, true);
		slots_rotate(&s, x->rotation, fresh, dropped);
		assert_int_equal(name(s.next), x->after.next);
		assert_int_equal(name(s.current), x->after.current);
		assert_int_equal(name(s.previous), x->after.previous);
		kept |= 1u << name(s.next) | 1u << name(s.current) | 1u << name(s.previous);
		for (int d = 0; d < 3; d++) { /* each session is either kept or dropped */
			assert_false(kept >> name(dropped[d]) & 1 && dropped[d]);
			kept |= 1u << name(dropped[d]);
			session_free(dropped[d]);
		}
		for (uint32_t local = 1; local <= 3; local++)
			assert_int_equal(kept >> local & 1,
					 x->before.next == local || x->before.current == local ||
					 x->before.previous == local);
		if (s.next)
			assert_true(atomic_load(&s.next->is_next));
		if (s.current)
			assert_false(atomic_load(&s.current->is_next));
		if (s.previous)
			assert_false(atomic_load(&s.previous->is_next));
		slots_rotate(&s, SESSION_CLEAR, NULL, dropped);
		for (int d = 0; d < 3; d++)
			session_free(dropped[d]);
	}
}

/* A peer that lost its sessions begins a new handshake. The reply to its first packet uses the new
 * session, even if a thread encrypts the reply before control has confirmed the session. */
static void test_reply_uses_the_session_that_received(void **state)
{
	uint8_t packet[64], opened[128], sealed[128];
	struct pair *p = pair_new(5);
	struct pair_queue *sent0 = p->side[0].sent, *sent1 = p->side[1].sent;
	struct wg_buf in = { .dst = opened }, out = { .src = packet, .dst = sealed, .n = sizeof packet };
	struct wg_path way;
	struct wg_batch from = { &in, 1, &p->side[1].path, 1 }, to = { &out, 1, &way, 0 };

	(void)state;
	for (int from_side = 0; from_side < 2; from_side++) {
		pair_ipv4(packet, sizeof packet, from_side);
		(void)pair_tun(p, from_side, packet, sizeof packet);
		pair_exchange(p);
	}
	p->now_ns += 10 * NS_PER_S;
	pair_clear(p);
	tunnel_down(p->side[0].tunnel);
	tunnel_up(p->side[0].tunnel, p->now_ns);
	pair_ipv4(packet, sizeof packet, 0);
	assert_int_equal(pair_tun(p, 0, packet, sizeof packet).verdict, WG_CONTROL); /* staged */
	assert_int_equal(sent0->n, 1);
	(void)pair_udp(p, 1, sent0->packets[0].bytes, sent0->packets[0].n, NULL, 0);
	assert_int_equal(sent1->n, 1);
	(void)pair_udp(p, 0, sent1->packets[0].bytes, sent1->packets[0].n, NULL, 0);
	assert_int_equal(sent0->n, 2);
	in.src = sent0->packets[1].bytes;
	in.n = sent0->packets[1].n;
	tunnel_open(p->side[1].tunnel, p->now_ns, &from); /* and control has not run yet */
	assert_int_equal(in.verdict, WG_TO_TUN);
	pair_ipv4(packet, sizeof packet, 1);
	tunnel_seal(p->side[1].tunnel, p->now_ns, &to);
	assert_int_equal(out.verdict, WG_TO_UDP);
	assert_int_equal(pair_udp(p, 0, sealed, out.out_n, NULL, 0).verdict, WG_TO_TUN);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_reply_uses_the_session_that_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
