/* The timers: the times of rekeying, keepalives, giving up and key erasure, to the nanosecond. */
#include "memory.h"
#include "story.h"

enum { STAGED = 128 };
static const uint64_t JITTER_NS = 334 * NS_PER_MS;
static const uint64_t DELAY_NS = 10 * NS_PER_MS; /* delay of every link here */

/* Runs until this time. */
static void until(struct sim *s, uint64_t ns)
{
	OK(s, ns >= s->now);
	sim_run(s, ns - s->now);
}

static void passive_keepalive_then_silence(struct sim *s)
{
	const struct observation *g;

	sim_pair(s, 0, 1);
	sim_push(s, 0, 1);
	sim_run_s(s, 5);
	OK(s, s->nodes[1].delivered == 1 && s->nodes[1].sent[4] == 0);
	sim_run_s(s, 3600);
	g = sim_nth(s, 1, 4, 0, 0);
	OK(s, g && g->empty && g->n == 32);
	OK(s, g->at == 3 * DELAY_NS + 10 * NS_PER_S); /* 10 s after the data was received */
	OK(s, s->n_observations == 4); /* initiation, response, data, keepalive, and nothing after that */
}

static void keepalive_is_not_answered(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
	uint64_t since = s->now;
	struct tap_session *k = tap_session_of(s, 0, 1);
	story_forge(s, k, true, 1000, NULL, 0);
	story_forge(s, k, false, 1000, NULL, 0);
	sim_run_s(s, 100);
	OK(s, sim_count(s, 0, 0, since, NEVER) == 0 && sim_count(s, 1, 0, since, NEVER) == 0);
}

/* More data is received while the keepalive timer runs: one keepalive answers all of it. */
static void one_keepalive_for_several_packets(struct sim *s)
{
	uint64_t t;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
	t = s->now;
	sim_push(s, 0, 1);
	until(s, t + 5 * NS_PER_S);
	sim_push(s, 0, 1);
	until(s, t + 60 * NS_PER_S);
	OK(s, sim_count(s, 1, 0, t, NEVER) == 1);
	OK(s, sim_nth(s, 1, 4, t, 0)->at == t + DELAY_NS + 10 * NS_PER_S);
	OK(s, sim_count(s, 0, 0, t, NEVER) == 2); /* the two packets: no handshake, no reply */
}

static void sending_cancels_the_keepalive(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
	uint64_t t = s->now;
	sim_push(s, 0, 1);
	until(s, t + 9 * NS_PER_S);
	sim_push(s, 1, 0);
	until(s, t + 18 * NS_PER_S);
	OK(s, sim_count(s, 1, 0, t, NEVER) == 1);
}

static void new_handshake_15_s(struct sim *s)
{
	const struct observation *g;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
	sim_cut(s, 0, 1, true);
	uint64_t t = s->now;
	sim_push(s, 1, 0);
	sim_run_s(s, 3);
	sim_push(s, 1, 0); /* the timer counts from the first packet */
	sim_run_s(s, 600);
	g = sim_nth(s, 1, 1, t, 0);
	OK(s, g && g->at >= t + 15 * NS_PER_S && g->at < t + 15 * NS_PER_S + JITTER_NS);
	OK(s, sim_count(s, 1, 1, t, NEVER) == 20);
	OK(s, sim_count(s, 0, 0, t, NEVER) == 0);
}

static void only_the_initiator_rekeys(struct sim *s)
{
	const struct observation *g;

	sim_pair(s, 0, 1);
	for (int i = 0; i < 1000; i++) {
		sim_push(s, 0, 1);
		sim_push(s, 1, 0);
		sim_run_s(s, 1);
		if (i == 0)
			OK(s, s->nodes[1].sent[1] == 1 || s->nodes[1].sent[1] == 0);
	}
	OK(s, ledger_arrived(s, 0) == 1000 && ledger_arrived(s, 1) == 1000);
	unsigned int i = s->tap->sessions[s->tap->n_sessions - 1].initiator;
	OK(s, s->nodes[i].sent[1] >= 8 && s->nodes[!i].sent[1] <= 1);
	uint64_t since = s->now - 500 * NS_PER_S;
	g = sim_nth(s, i, 1, since, 0);
	const struct observation *h = sim_nth(s, i, 1, since, 1);
	OK(s, h->at - g->at >= 120 * NS_PER_S && h->at - g->at <= 121 * NS_PER_S + 2 * DELAY_NS);
}

/* Node 0 begins a session at s->now, which it creates at *created. */
static void begin(struct sim *s, uint64_t *created)
{
	sim_pair(s, 0, 1);
	sim_push(s, 0, 1);
	*created = s->now + 2 * DELAY_NS;
	sim_run_s(s, 1);
	OK(s, tap_session_of(s, 0, 1)->created_i == *created);
}

static void rekey_on_sending_at_120(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 120 * NS_PER_S - 1);
	sim_push(s, 0, 1);
	OK(s, s->nodes[0].sent[1] == 1);
	sim_run(s, 1);
	sim_push(s, 0, 1);
	OK(s, s->nodes[0].sent[1] == 2);
	sim_run_s(s, 1);
	OK(s, ledger_arrived(s, 1) == 3);
}

static void responder_does_not_rekey(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 150 * NS_PER_S);
	sim_push(s, 1, 0);
	sim_run_s(s, 5);
	OK(s, s->nodes[1].sent[1] == 0 && ledger_arrived(s, 0) == 1);
}

static void responder_does_not_rekey_on_receiving(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 170 * NS_PER_S);
	uint64_t serial = story_forge_packet(s, tap_session_of(s, 0, 1), true, 1000);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial) && s->nodes[1].sent[1] == 0);
}

static void rekey_on_receiving_at_165(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 165 * NS_PER_S - DELAY_NS - 1);
	sim_push(s, 1, 0);
	sim_run(s, DELAY_NS);
	OK(s, ledger_arrived(s, 0) == 1 && s->nodes[0].sent[1] == 1);
	sim_run(s, 1);
	sim_push(s, 1, 0);
	sim_run(s, DELAY_NS);
	OK(s, ledger_arrived(s, 0) == 2 && s->nodes[0].sent[1] == 2);
	OK(s, sim_nth(s, 0, 1, NS_PER_S, 0)->at == s->now);
}

/* Receiving triggers one rekey per session; without a response, further initiations are retransmissions. */
static void rekey_on_receiving_once(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 166 * NS_PER_S);
	sim_link(s, 0, 1)->cut = true;
	uint64_t t = s->now;
	for (int i = 0; i < 100; i++) {
		sim_push(s, 1, 0);
		sim_run(s, 100 * NS_PER_MS);
	}
	size_t n = sim_count(s, 0, 1, t, NEVER);
	OK(s, n == 2);
	uint64_t second =
		sim_nth(s, 0, 1, t, 1)->at; /* by the timer, not by a packet */
	OK(s, (second - t - DELAY_NS) % (100 * NS_PER_MS) != 0);
	OK(s, s->nodes[1].sent[1] == 0);
}

static void keys_of_180_s_do_not_send(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 180 * NS_PER_S - 1 - DELAY_NS);
	sim_push(s, 1, 0); /* the responder created the session 10 ms earlier */
	sim_run(s, 0);
	OK(s, s->nodes[1].sent[4] == 2 && s->nodes[1].sent[1] == 0);
	until(s, created + 180 * NS_PER_S - DELAY_NS);
	sim_push(s, 1, 0);
	OK(s, s->nodes[1].sent[4] == 2 && s->nodes[1].sent[1] == 1);
	sim_run_s(s, 20); /* both ends rekey at the same time: initiations may collide */
	OK(s, ledger_arrived(s, 0) == 2);
}

static void keys_of_180_s_do_not_receive(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	sim_link(s, 1, 0)->delay_ns = 5 * NS_PER_S;
	until(s, created + 175 * NS_PER_S - 1);
	sim_push(s, 1, 0);
	sim_run(s, 1);
	sim_push(s, 1, 0);
	sim_run_s(s, 5);
	OK(s, ledger_arrived(s, 0) == 1);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_EXPIRED) == 1);
	/* the other direction */
	struct tap_session *k = tap_session_of(s, 0, 1);
	if (k->created_i == created) {
		story_forge_packet(s, k, true, 5000);
		OK(s, sim_drops(s, 1, WGPROTO_DROP_EXPIRED) == 1);
	}
}

static void keys_are_erased_after_540_s(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 100 * NS_PER_S);
	OK(s, memory_find(1, SECRET_SESSION) && memory_find(2, SECRET_SESSION));
	sim_push(s, 1, 0);
	sim_run_s(s, 60);
	until(s, created + 541 * NS_PER_S);
	OK(s, !memory_find(1, SECRET_SESSION) && !memory_find(2, SECRET_SESSION));
	OK(s, memory_find(1, SECRET_STATIC)); /* checks memory_find itself */
	uint64_t serial = sim_push(s, 1, 0);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial));
}

static void keys_are_erased_after_giving_up(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	until(s, created + 700 * NS_PER_S);
	sim_cut(s, 0, 1, true);
	uint64_t t = s->now;
	sim_push(s, 0, 1);
	sim_run_s(s, 60);
	OK(s, memory_find(1, SECRET_SESSION)); /* the ephemeral key of the attempt */
	sim_run_s(s, 60);
	uint64_t last = sim_nth(s, 0, 1, t, 19)->at;
	until(s, last + 5 * NS_PER_S + JITTER_NS + 541 * NS_PER_S);
	OK(s, !memory_find(1, SECRET_SESSION) && !memory_find(2, SECRET_SESSION));
}

/* Replaced sessions are erased: at most three sessions of two keys, and a handshake. */
static void at_most_three_sessions(struct sim *s)
{
	sim_pair(s, 0, 1);
	size_t before = memory_bytes(1);
	for (int i = 0; i < 1500; i++) {
		sim_push(s, i & 1, !(i & 1));
		sim_run_s(s, 1);
		if (i % 10 == 0)
			OK(s, memory_count(1, SECRET_SESSION) <= 2 * 6 + 2 * 4);
	}
	OK(s, tap_sessions_between(s, 0, 1) >= 12);
	sim_run_s(s, 600);
	OK(s, memory_bytes(1) <= before + 16384);
}

static void persistent_keepalive_is_exact(struct sim *s)
{
	uint64_t t, last;

	sim_pair(s, 0, 1);
	t = s->now;
	sim_keepalive(s, 0, 1, 25); /* 0 → 25 sends at once */
	sim_run(s, 0);
	OK(s, s->nodes[0].sent[1] == 1);
	sim_run_s(s, 7200);
	OK(s, s->nodes[1].sent[1] == 0);
	last = t + 2 * DELAY_NS;
	size_t n = 0;
	for (size_t i = 0; i < s->n_observations; i++) { /* 25 s after any packet was sent or received */
		const struct observation *g = &s->observations[i];
		uint64_t at = g->from == 0 ? g->at : g->at + DELAY_NS;
		if (g->from == 0 && g->empty && at > t + NS_PER_S) {
			OK(s, at == last + 25 * NS_PER_S || at == last);
			n += at != last;
		}
		last = at > last ? at : last;
	}
	OK(s, n >= 7200 / 25 - 2);
	OK(s, s->nodes[1].sent_keepalives == 0); /* not answered */
	sim_keepalive(s, 0, 1, 0);
	uint64_t end = s->now;
	sim_run_s(s, 3600);
	OK(s, sim_count(s, 0, 0, end, NEVER) == 0);
}

static void persistent_keepalive_lengths(struct sim *s)
{
	static const uint16_t seconds[] = {1, 2, 7, 60, 119};

	sim_pair(s, 0, 1);
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		sim_keepalive(s, 0, 1, 0);
		sim_run_s(s, 700);
		uint64_t t = s->now;
		sim_keepalive(s, 0, 1, seconds[i]);
		sim_run_s(s, 119);
		size_t want = 1 + 118 / seconds[i];
		OK(s, sim_count(s, 0, 4, t, NEVER) == want);
		OK(s, sim_count(s, 0, 1, t, NEVER) == 1);
	}
	sim_keepalive(s, 0, 1, 65535);
	sim_run_s(s, 65535);
	sim_run_s(s, 10);
	OK(s, s->nodes[0].sent_keepalives > 0);
}

static void persistent_keepalive_while_down(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_up(s, 0, false);
	sim_keepalive(s, 0, 1, 5);
	sim_run_s(s, 100);
	OK(s, s->n_observations == 0);
	sim_up(s, 0, true); /* sends as soon as it is up */
	sim_run(s, 0);
	OK(s, s->nodes[0].sent[1] == 1);
	sim_run_s(s, 100);
	OK(s, s->nodes[0].sent_keepalives >= 19);
	sim_up(s, 0, false);
	uint64_t t = s->now;
	sim_run_s(s, 700);
	OK(s, sim_count(s, 0, 0, t, NEVER) == 0);
	OK(s, !memory_find(1, SECRET_SESSION));
}

static void staged_queue_drops_oldest(struct sim *s)
{
	enum { PUSHED = 200 };

	sim_pair(s, 0, 1);
	sim_cut(s, 0, 1, true);
	for (int i = 0; i < PUSHED; i++)
		sim_push(s, 0, 1);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_STAGED_FULL) == PUSHED - STAGED);
	OK(s, s->nodes[0].sent[1] == 1);
	sim_cut(s, 0, 1, false);
	sim_run_s(s, 6);
	OK(s, ledger_arrived(s, 1) == STAGED);
	for (uint64_t i = PUSHED - STAGED; i < PUSHED; i++)
		OK(s, s->ledger.entries[i].order == i - (PUSHED - STAGED) + 1);
}

static void staged_packets_precede_new_ones(struct sim *s)
{
	uint64_t created, first;

	begin(s, &created);
	until(s, created + 181 * NS_PER_S);
	first = s->ledger.n;
	for (int i = 0; i < 10; i++) {
		sim_push(s, 0, 1);
		sim_run(s, 3 * NS_PER_MS); /* the handshake completes in between */
	}
	sim_run_s(s, 1);
	for (uint64_t i = first; i < first + 10; i++)
		OK(s, s->ledger.entries[i].order == i + 1);
}

static void idle_tunnel_has_no_timers(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 86400);
	OK(s, s->nodes[0].ticks <= 20 && s->nodes[1].ticks <= 20);
	OK(s, wgproto_deadline(s->nodes[0].tunnel) == NEVER);
}

static void late_timers(struct sim *s)
{
	sim_pair(s, 0, 1);
	s->nodes[0].slack_ns = 700 * NS_PER_MS;
	s->nodes[1].slack_ns = 3 * NS_PER_S;
	for (int i = 0; i < 600; i++) {
		sim_push(s, 0, 1);
		sim_push(s, 1, 0);
		sim_run_s(s, 1);
	}
	OK(s, ledger_arrived(s, 0) >= 590 && ledger_arrived(s, 1) >= 590);
}

/* 200 s of suspend: the keys have expired, and the first packet begins a handshake. */
static void suspend(struct sim *s)
{
	uint64_t created;

	begin(s, &created);
	s->nodes[0].slack_now_ns = 200 * NS_PER_S;
	sim_run_s(s, 200);
	uint64_t serial = sim_push(s, 0, 1);
	sim_run_s(s, 1);
	OK(s, ledger_has_arrived(s, serial) && s->nodes[0].sent[1] == 2);
}

/* Calls with a clock that stands still or steps back, as between threads that read it separately. */
static void monotonic_clock_steps_back(struct sim *s)
{
	uint64_t created;

	s->nodes[0].boot_ns += 3600 * NS_PER_S;
	begin(s, &created);
	for (int i = 0; i < 300; i++) {
		uint64_t step =
			rng_below(&s->actions, i < 200 ? 50 * NS_PER_MS : 3000 * NS_PER_S);
		struct node *n = &s->nodes[0];
		n->boot_ns -= step;
		host_enter(n);
		host_must(n, wgproto_tick(n->tunnel, host_now(n)));
		host_leave(n);
		host_drain(s, n);
		n->boot_ns += step;
		sim_push(s, 0, 1);
		sim_run_s(s, 1);
	}
	OK(s, ledger_arrived(s, 1) == 301);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"passive_keepalive_then_silence", passive_keepalive_then_silence, 2, 5},
		{"keepalive_is_not_answered", keepalive_is_not_answered, 2, 0},
		{"one_keepalive_for_several_packets", one_keepalive_for_several_packets, 2, 0},
		{"sending_cancels_the_keepalive", sending_cancels_the_keepalive, 2, 0},
		{"new_handshake_15_s", new_handshake_15_s, 2, 5},
		{"only_the_initiator_rekeys", only_the_initiator_rekeys, 2, 3},
		{"rekey_on_sending_at_120", rekey_on_sending_at_120, 2, 0},
		{"responder_does_not_rekey", responder_does_not_rekey, 2, 0},
		{"responder_does_not_rekey_on_receiving", responder_does_not_rekey_on_receiving, 2, 0},
		{"rekey_on_receiving_at_165", rekey_on_receiving_at_165, 2, 0},
		{"rekey_on_receiving_once", rekey_on_receiving_once, 2, 0},
		{"keys_of_180_s_do_not_send", keys_of_180_s_do_not_send, 2, 0},
		{"keys_of_180_s_do_not_receive", keys_of_180_s_do_not_receive, 2, 0},
		{"keys_are_erased_after_540_s", keys_are_erased_after_540_s, 2, 0},
		{"keys_are_erased_after_giving_up", keys_are_erased_after_giving_up, 2, 0},
		{"at_most_three_sessions", at_most_three_sessions, 2, 0},
		{"persistent_keepalive_is_exact", persistent_keepalive_is_exact, 2, 3},
		{"persistent_keepalive_lengths", persistent_keepalive_lengths, 2, 0},
		{"persistent_keepalive_while_down", persistent_keepalive_while_down, 2, 0},
		{"staged_queue_drops_oldest", staged_queue_drops_oldest, 2, 0},
		{"staged_packets_precede_new_ones", staged_packets_precede_new_ones, 2, 0},
		{"idle_tunnel_has_no_timers", idle_tunnel_has_no_timers, 2, 0},
		{"late_timers", late_timers, 2, 3},
		{"suspend", suspend, 2, 0},
		{"monotonic_clock_steps_back", monotonic_clock_steps_back, 2, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
