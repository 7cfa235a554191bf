/* Host names and lists of endpoints with simulated time: a host of which the test decides which addresses answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "quick/monitor/endpoint_watch.h"

enum { S = 1000, CHOICES = 3, LOG_MAX = 4096 };

/* The peer's endpoint as in the interface, the peer behind it, and what names stand for. Address N is 10.0.0.N. */
struct sim {
	struct endpoint_watch w;
	uint64_t now_ms, next_handshake_ms;
	struct endpoint_seen seen;
	bool sends;              /* the host sends packets all the time */
	uint8_t alive[4];        /* addresses that answer; 0: none */
	struct { uint8_t address[3]; uint8_t unreachable; } names[CHOICES]; /* unreachable: without a route */
	size_t n;
	unsigned int polls, look_ups, probes;
	bool blind;              /* the interface cannot be seen */
	uint64_t look_up_ms[64]; /* when */
	uint64_t set_ms;         /* the last change */
	enum endpoint_action last;
};

static struct ip_endpoint at(uint8_t n)
{
	const uint8_t b[4] = { 10, 0, 0, n };

	return n ? (struct ip_endpoint){ .addr = ip_v4(b), .port = 51820 } : (struct ip_endpoint){ 0 };
}

static uint8_t number(const struct ip_endpoint *e)
{
	return e->addr.family == IP_NONE ? 0 : e->addr.b[3];
}

static bool answers(const struct sim *s, const struct ip_endpoint *e)
{
	for (size_t i = 0; i < ARRAY_LEN(s->alive); i++)
		if (s->alive[i] && s->alive[i] == number(e))
			return true;
	return false;
}

/* A second of the protocol, roughly: a session every two minutes, initiations every five seconds without one. */
static void tick_protocol(struct sim *s)
{
	bool has_session = s->seen.handshake_ms && s->now_ms < s->seen.handshake_ms + 180 * S;

	if (!s->sends || s->seen.endpoint.addr.family == IP_NONE)
		return;
	if (s->now_ms >= s->next_handshake_ms) {
		s->seen.tx_bytes += 148;
		s->next_handshake_ms = s->now_ms + 5 * S;
		if (answers(s, &s->seen.endpoint)) {
			s->seen.rx_bytes += 92;
			s->seen.handshake_ms = s->now_ms;
			s->next_handshake_ms = s->now_ms + 120 * S;
		}
	} else if (has_session) {
		s->seen.tx_bytes += 100;
		if (answers(s, &s->seen.endpoint))
			s->seen.rx_bytes += 100;
		else if (s->next_handshake_ms > s->now_ms + 15 * S)
			s->next_handshake_ms = s->now_ms + 15 * S; /* nothing has come back */
	}
}

static void resolve(struct sim *s)
{
	assert_true(s->look_ups < ARRAY_LEN(s->look_up_ms));
	s->look_up_ms[s->look_ups++] = s->now_ms;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < 3; k++) {
			struct endpoint_address a = { at(s->names[i].address[k]), s->names[i].address[k] != s->names[i].unreachable };
			if (s->names[i].address[k])
				endpoint_watch_add(&s->w, i, &a);
		}
	endpoint_watch_resolved(&s->w, s->now_ms);
}

static void act(struct sim *s)
{
	struct ip_endpoint to;
	enum endpoint_action a;

	for (int i = 0; (a = endpoint_watch_next(&s->w, &to, s->now_ms)) != ENDPOINT_NOTHING; i++) {
		assert_true(i < 10);
		s->last = a == ENDPOINT_POLL || a == ENDPOINT_LOOK_UP ? s->last : a;
		switch (a) {
		case ENDPOINT_NOTHING: break;
		case ENDPOINT_POLL:
			s->polls++;
			if (s->blind)
				endpoint_watch_unseen(&s->w, s->now_ms);
			else
				endpoint_watch_see(&s->w, &s->seen, s->now_ms);
			break;
		case ENDPOINT_LOOK_UP: resolve(s); break;
		case ENDPOINT_PROBE:
			s->probes++;
			endpoint_watch_probed(&s->w, answers(s, &to), s->now_ms);
			break;
		case ENDPOINT_REPLACE:
		case ENDPOINT_SET:
			if (a == ENDPOINT_REPLACE) { /* a new peer for the interface */
				s->seen.handshake_ms = s->seen.tx_bytes = s->seen.rx_bytes = 0;
				s->next_handshake_ms = s->now_ms;
			}
			assert_int_not_equal(number(&to), 0);
			s->seen.endpoint = to;
			s->set_ms = s->now_ms;
			endpoint_watch_changed(&s->w, s->now_ms);
			break;
		}
	}
	assert_true(endpoint_watch_deadline(&s->w) > s->now_ms);
}

static void run(struct sim *s, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++) {
		tick_protocol(s);
		act(s);
		s->now_ms += S;
	}
}

static void begin(struct sim *s, size_t n, uint8_t endpoint)
{
	*s = (struct sim){ .now_ms = 1000000, .n = n, .sends = true, .seen.endpoint = at(endpoint), .seen.has_route = true };
	for (size_t i = 0; i < n; i++)
		s->names[i].address[0] = (uint8_t)(10 * (i + 1));
	endpoint_watch_init(&s->w, n, true, s->now_ms);
}

/* ---- names ---- */

static void a_peer_with_handshakes_is_left_alone(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	s.alive[0] = 10;
	run(&s, 3600);
	assert_int_equal(s.look_ups, 0);
	assert_in_range(s.polls, 10, 40); /* once for each session */
	assert_int_equal(s.set_ms, 0);
}

static void without_a_handshake_for_135_s_it_is_looked_up(void **state)
{
	struct sim s;
	uint64_t died_ms;

	(void)state;
	begin(&s, 1, 10);
	s.alive[0] = 10;
	run(&s, 30);
	died_ms = s.seen.handshake_ms;
	s.alive[0] = s.names[0].address[0] = 11; /* the server is renumbered */
	run(&s, 200);
	assert_in_range(s.look_up_ms[0], died_ms + 135 * S, died_ms + 137 * S);
	assert_int_equal(number(&s.seen.endpoint), 11);
	assert_int_equal(s.look_ups, 1);
	assert_true(s.now_ms < s.seen.handshake_ms + 135 * S);
}

static void the_same_address_changes_nothing(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	run(&s, 600);
	assert_true(s.look_ups > 5);
	assert_int_equal(s.set_ms, 0);
}

/* With an address that another name server gave, or a NAT. */
static void a_peer_that_roamed_is_left_alone(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 77);
	s.alive[0] = 77;
	run(&s, 10);
	endpoint_watch_network(&s.w, s.now_ms);
	run(&s, 60);
	assert_int_equal(s.look_ups, 1);
	assert_int_equal(number(&s.seen.endpoint), 77);
	s.alive[0] = 10; /* it is gone */
	run(&s, 200);
	assert_int_equal(number(&s.seen.endpoint), 10);
}

/* A network whose name servers say at first that everything is at their portal; or the peer moved while the host slept. */
static void a_wrong_name_of_a_new_network_is_corrected(void **state)
{
	for (unsigned int portal_s = 0; portal_s < 25; portal_s += 4) {
		struct sim s;
		uint64_t from_ms;

		(void)state;
		begin(&s, 1, 10);
		s.alive[0] = 10;
		run(&s, 20);
		s.names[0].address[0] = 66;
		s.alive[0] = 0;
		endpoint_watch_network(&s.w, s.now_ms);
		run(&s, portal_s);
		s.names[0].address[0] = s.alive[0] = 12;
		from_ms = s.now_ms;
		while (number(&s.seen.endpoint) != 12) {
			run(&s, 1);
			assert_true(s.now_ms < from_ms + (portal_s < 10 ? 9 : 33) * S);
		}
		assert_true(s.look_ups < 9);
		run(&s, 130);
		s.look_ups = 0;
		run(&s, 300);
		assert_int_equal(s.look_ups, 0);
	}
}

/* A name with other addresses each time. */
static void a_peer_that_answers_is_left_where_it_is(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	s.alive[0] = 10;
	s.alive[1] = 12;
	run(&s, 20);
	for (uint8_t i = 0; i < 5; i++) {
		s.names[0].address[0] = i % 2 ? 10 : 12;
		endpoint_watch_network(&s.w, s.now_ms);
		run(&s, 20);
		assert_int_equal(number(&s.seen.endpoint), 10);
	}
	assert_true(s.look_ups <= 6);
}

/* To another network, from which it cannot be reached where it is. */
static void where_no_route_leads_it_did_not_roam(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 77);
	s.alive[0] = 77;
	s.alive[1] = 10;
	run(&s, 10);
	s.seen.has_route = false;
	endpoint_watch_network(&s.w, s.now_ms);
	run(&s, 3);
	assert_int_equal(number(&s.seen.endpoint), 10);
}

static void a_name_without_an_address_is_retried_with_backoff(void **state)
{
	static const unsigned int gaps_s[] = { 5, 10, 20, 40, 60, 60 };
	struct sim s;

	(void)state;
	begin(&s, 1, 0);
	s.names[0].address[0] = 0;
	s.alive[0] = 12;
	run(&s, 200);
	assert_int_equal(s.look_up_ms[0], 1000000);
	for (size_t i = 0; i < ARRAY_LEN(gaps_s) && i + 1 < s.look_ups; i++)
		assert_in_range(s.look_up_ms[i + 1] - s.look_up_ms[i], gaps_s[i] * S, gaps_s[i] * S + S);
	assert_int_equal(s.look_ups, 7);
	s.names[0].address[0] = 12;
	run(&s, 61);
	assert_int_equal(number(&s.seen.endpoint), 12);
	run(&s, 300);
	assert_true(s.seen.handshake_ms + 135 * S > s.now_ms);
}

/* A name with addresses of both families, in a network with one of them. */
static void the_address_with_a_route_is_used(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	s.alive[0] = 10;
	s.alive[1] = 15;
	s.names[0].address[1] = 15;
	run(&s, 20);
	s.names[0].unreachable = 10; /* another network */
	s.alive[0] = 0;
	endpoint_watch_network(&s.w, s.now_ms);
	run(&s, 3);
	assert_int_equal(number(&s.seen.endpoint), 15);
	s.names[0].unreachable = 15;
	s.alive[0] = 10;
	endpoint_watch_network(&s.w, s.now_ms);
	run(&s, 3);
	assert_int_equal(number(&s.seen.endpoint), 10);
}

/* For two seconds, all names are that of the portal, where nothing answers. */
static void a_captive_portal_is_left_soon(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	s.alive[0] = 10;
	run(&s, 20);
	s.names[0].address[0] = 66;
	s.seen.has_route = false; /* that of before */
	s.alive[0] = 0;
	endpoint_watch_network(&s.w, s.now_ms);
	run(&s, 2);
	assert_int_equal(number(&s.seen.endpoint), 66);
	s.seen.has_route = true;
	s.names[0].address[0] = 12;
	s.alive[0] = 12;
	run(&s, 5);
	assert_int_equal(number(&s.seen.endpoint), 12);
	run(&s, 60);
	assert_in_range(s.look_ups, 2, 8);
	s.look_ups = 0;
	run(&s, 600);
	assert_int_equal(s.look_ups, 0);
}

/* IPv6 is broken somewhere. */
static void the_next_address_of_a_silent_name_is_tried(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 1, 10);
	s.names[0].address[1] = 15;
	s.alive[0] = 15;
	run(&s, 300);
	assert_int_equal(number(&s.seen.endpoint), 15);
	assert_true(s.seen.handshake_ms > 0);
}

/* ---- lists ---- */

static void the_next_one_after_15_s_of_initiations(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 3, 10);
	s.alive[0] = 20;
	run(&s, 60);
	assert_int_equal(number(&s.seen.endpoint), 20);
	assert_in_range(s.set_ms, 1000000 + 15 * S, 1000000 + 26 * S);
	assert_true(s.seen.handshake_ms > 0);
}

static void a_session_that_dies_takes_a_little_longer(void **state)
{
	struct sim s;
	uint64_t died_ms;

	(void)state;
	begin(&s, 2, 10);
	s.alive[0] = 10;
	s.alive[1] = 20;
	run(&s, 50);
	s.alive[0] = 0;
	died_ms = s.now_ms;
	run(&s, 60);
	assert_int_equal(number(&s.seen.endpoint), 20);
	assert_in_range(s.set_ms, died_ms + 30 * S, died_ms + 42 * S);
}

/* The lid was closed while packets went unanswered, as the network was already gone: an hour later the first one is still the best. */
static void time_of_a_suspension_is_no_silence(void **state)
{
	(void)state;
	for (unsigned int awake = 0; awake < 30; awake++) {
		struct sim s;
		begin(&s, 2, 10);
		s.alive[0] = 10;
		run(&s, 300 + awake);
		s.alive[0] = 0; /* the uplink is gone */
		run(&s, awake);
		s.now_ms += 3600 * S;
		s.alive[0] = 10;
		run(&s, 60);
		assert_int_equal(s.set_ms, 0);
	}
}

static void set_uplink(struct sim *s, bool is_up)
{
	s->alive[0] = is_up ? 10 : 0;
	s->seen.has_route = is_up;
	for (uint8_t i = 0; i < 2; i++)
		s->names[i].unreachable = is_up ? 0 : s->names[i].address[0];
	endpoint_watch_network(&s->w, s->now_ms);
}

static void silence_without_an_uplink_does_not_count(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 2, 10);
	s.sends = false; /* nor does that of a host that has nothing to say */
	run(&s, 600);
	s.sends = true;
	s.alive[0] = 10;
	run(&s, 300);
	set_uplink(&s, false);
	run(&s, 100);
	set_uplink(&s, true);
	run(&s, 60);
	assert_int_equal(s.set_ms, 0);
}

static void all_are_tried_in_turn(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 3, 10);
	s.alive[0] = 31;
	s.names[2].address[1] = 31; /* the second address of the last name */
	run(&s, 200);
	assert_int_equal(number(&s.seen.endpoint), 31);
	assert_true(s.seen.handshake_ms > 0);
}

/* A session for keepalives only: they are not answered. */
static void an_idle_peer_is_not_failed_over(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 2, 10);
	s.alive[0] = 10;
	s.alive[1] = 20;
	run(&s, 3);
	s.sends = false;
	s.seen.keepalive_s = 25;
	for (int i = 0; i < 40; i++) {
		s.seen.tx_bytes += 32;
		run(&s, 25);
	}
	s.seen.keepalive_s = 0;
	run(&s, 600);
	assert_int_equal(s.set_ms, 0);
}

/* Nothing can be sent. */
static void back_to_the_better_one_when_it_answers(void **state)
{
	struct sim s;
	uint64_t session_ms, back_ms;

	(void)state;
	begin(&s, 3, 10);
	s.alive[0] = 30;
	run(&s, 100);
	assert_int_equal(number(&s.seen.endpoint), 30);
	session_ms = s.seen.handshake_ms;
	run(&s, 300);
	assert_true(s.probes >= 2);
	assert_int_equal(number(&s.seen.endpoint), 30); /* which the attempts did not disturb */
	assert_true(s.seen.handshake_ms > session_ms);
	s.alive[1] = 20;
	back_ms = s.now_ms;
	run(&s, 250);
	assert_int_equal(number(&s.seen.endpoint), 20);
	assert_int_equal(s.last == ENDPOINT_REPLACE || s.last == ENDPOINT_PROBE, true);
	assert_in_range(s.set_ms, back_ms, back_ms + 190 * S);
	s.alive[2] = 10;
	run(&s, 250);
	assert_int_equal(number(&s.seen.endpoint), 10);
	s.probes = 0;
	run(&s, 600);
	assert_int_equal(s.probes, 0);
}

/* No more than one attempt a minute, none while the session is younger, and none while packets are unanswered. */
static void attempts_are_rare(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 2, 20);
	s.alive[0] = 20;
	for (int i = 0; i < 1200; i++) {
		unsigned int before = s.probes;
		run(&s, 1);
		if (s.probes > before) {
			assert_true(s.now_ms >= s.seen.handshake_ms + 60 * S);
			assert_true(s.w.unanswered_ms == 0);
		}
	}
	assert_in_range(s.probes, 5, 20);
	s.alive[0] = 0;
	run(&s, 10);
	s.probes = 0;
	run(&s, 60);
	assert_int_equal(s.probes, 0);
}

/* ---- everything else ---- */

/* A daemon that does not answer is not asked all the time. */
static void an_interface_that_cannot_be_seen_is_looked_at_rarely(void **state)
{
	struct sim s;

	(void)state;
	begin(&s, 2, 10);
	s.blind = true;
	run(&s, 600);
	assert_in_range(s.polls, 10, 70);
	assert_int_equal(s.look_ups, 0);
	s.blind = false;
	s.alive[0] = 20;
	run(&s, 60);
	assert_int_equal(number(&s.seen.endpoint), 20);
}

/* Whatever happens, the machine neither loops nor stops: with an address that answers, there is a session in the end. */
static void random_lives_end_with_a_session(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 200; seed++) {
		struct sim s;
		unsigned int r = seed;
		begin(&s, 1 + seed % CHOICES, (uint8_t)(seed % 4 * 10));
		for (int i = 0; i < 60; i++) {
			r = r * 1103515245u + 12345u;
			s.look_ups = 0;
			s.alive[0] = (uint8_t)((r >> 16) % 4 * 10);
			s.names[(r >> 18) % s.n].address[(r >> 20) % 2] = (uint8_t)((r >> 22) % 4 * 10);
			s.names[0].unreachable = (uint8_t)((r >> 24) % 4 * 10);
			s.blind = (r >> 26) % 5 == 0;
			if ((r >> 28) % 3 == 0)
				endpoint_watch_network(&s.w, s.now_ms);
			run(&s, (r >> 12) % 90);
		}
		s.look_ups = 0;
		s.blind = false;
		for (size_t i = 0; i < s.n; i++) {
			memset(&s.names[i], 0, sizeof s.names[i]);
			s.names[i].address[0] = (uint8_t)(10 * (i + 1));
		}
		s.alive[0] = (uint8_t)(10 * s.n);
		run(&s, 500);
		assert_int_equal(number(&s.seen.endpoint), 10 * s.n);
		assert_true(s.seen.handshake_ms + 135 * S > s.now_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_with_handshakes_is_left_alone),
		cmocka_unit_test(without_a_handshake_for_135_s_it_is_looked_up),
		cmocka_unit_test(the_same_address_changes_nothing),
		cmocka_unit_test(a_peer_that_roamed_is_left_alone),
		cmocka_unit_test(a_wrong_name_of_a_new_network_is_corrected),
		cmocka_unit_test(a_peer_that_answers_is_left_where_it_is),
		cmocka_unit_test(where_no_route_leads_it_did_not_roam),
		cmocka_unit_test(a_name_without_an_address_is_retried_with_backoff),
		cmocka_unit_test(the_address_with_a_route_is_used),
		cmocka_unit_test(a_captive_portal_is_left_soon),
		cmocka_unit_test(the_next_address_of_a_silent_name_is_tried),
		cmocka_unit_test(the_next_one_after_15_s_of_initiations),
		cmocka_unit_test(a_session_that_dies_takes_a_little_longer),
		cmocka_unit_test(time_of_a_suspension_is_no_silence),
		cmocka_unit_test(silence_without_an_uplink_does_not_count),
		cmocka_unit_test(all_are_tried_in_turn),
		cmocka_unit_test(an_idle_peer_is_not_failed_over),
		cmocka_unit_test(back_to_the_better_one_when_it_answers),
		cmocka_unit_test(attempts_are_rare),
		cmocka_unit_test(an_interface_that_cannot_be_seen_is_looked_at_rarely),
		cmocka_unit_test(random_lives_end_with_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
