/* Roaming: new addresses and ports, NATs that rebind and expire, forged packets that must not move an
 * endpoint, source addresses that were removed. */
#include "story.h"

static bool has_endpoint(struct sim *s, unsigned int a, unsigned int b, const struct ip_endpoint *e)
{
	struct peer_state state;

	sim_state(s, a, b, &state);
	return endpoint_equal(&state.endpoint, e);
}

static void exchange(struct sim *s, unsigned int a, unsigned int b, int seconds)
{
	for (int i = 0; i < seconds * 10; i++) {
		sim_push(s, a, b);
		sim_push(s, b, a);
		sim_run(s, 100 * NS_PER_MS);
	}
}

static void endpoint_follows_during_traffic(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 3);
	size_t before[2] = {ledger_arrived(s, 0), ledger_arrived(s, 1)};
	for (unsigned int site = 1; site < 20; site++) {
		sim_move(s, 0, site);
		exchange(s, 0, 1, 2);
		OK(s, has_endpoint(s, 1, 0, &s->nodes[0].v4));
		sim_move(s, 1, site); /* the responder moves, too */
		exchange(s, 0, 1, 2);
		OK(s, has_endpoint(s, 0, 1, &s->nodes[1].v4));
	}
	OK(s, tap_sessions_between(s, 0, 1) <= 2); /* without new handshakes */
	sim_run_s(s, 1);
	/* packets in flight to the old address are lost: one or two per move */
	OK(s, ledger_arrived(s, 0) - before[0] >= 19 * 40 - 19 * 2);
	OK(s, ledger_arrived(s, 1) - before[1] >= 19 * 40 - 19 * 2);
}

static void every_authenticated_message_roams(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_move(s, 1, 1); /* by a keepalive */
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	sim_move(s, 1, 0);
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	sim_move(s, 1, 2);
	sim_run_s(s, 20);
	OK(s, s->nodes[1].sent_keepalives >= 1 && has_endpoint(s, 0, 1, &s->nodes[1].v4));
	sim_run_s(s, 700); /* by an initiation */
	sim_move(s, 0, 4);
	sim_push(s, 0, 1);
	sim_run(s, 15 * NS_PER_MS);
	OK(s, s->nodes[1].sent[2] == 2 && has_endpoint(s, 1, 0, &s->nodes[0].v4));
	sim_run_s(s, 700); /* by a response, from another address than the initiation was sent to */
	struct ip_endpoint other = sim_outer(1, 6, false);
	sim_link(s, 1, 0)->cut = true;
	sim_push(s, 0, 1);
	sim_run(s, 15 * NS_PER_MS);
	sim_link(s, 1, 0)->cut = false;
	story_inject_again(s, sim_recent(s, 1, 2), &other);
	OK(s, has_endpoint(s, 0, 1, &other));
}

static void roams_between_address_families(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	for (int i = 0; i < 6; i++) {
		bool v6 = !(i & 1);
		sim_endpoint(s, 1, 0, v6 ? &s->nodes[0].v6 : &s->nodes[0].v4);
		uint64_t serial = sim_push(s, 1, 0);
		sim_run_s(s, 1);
		OK(s, ledger_has_arrived(s, serial));
		OK(s, has_endpoint(s, 0, 1, v6 ? &s->nodes[1].v6 : &s->nodes[1].v4));
		serial = sim_push(s, 0, 1);
		sim_run_s(s, 1);
		OK(s, ledger_has_arrived(s, serial));
	}
}

static void forged_and_replayed_packets_do_not_roam(struct sim *s)
{
	struct ip_endpoint spoofed = sim_outer(0, 33, false), was;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	was = s->nodes[0].v4;
	sim_link(s, 0, 1)->cut = true;
	sim_push(s, 0, 1);
	struct message *m = sim_recent(s, 0, 4);
	m->refs++;
	for (size_t at = 0; at < m->n; at++) { /* altered, from another address */
		uint8_t p[2048];
		memcpy(p, m->bytes, m->n);
		p[at] ^= 1;
		sim_inject(s, &spoofed, &s->nodes[1].v4, p, m->n, NULL, true);
	}
	sim_run(s, 0);
	OK(s, has_endpoint(s, 1, 0, &was));
	story_inject_again(s, m, NULL);
	story_inject_again(s, m, &spoofed); /* replayed from another address */
	OK(s, has_endpoint(s, 1, 0, &was));
	for (unsigned int i = 0; i < s->n_recent && i < RECENT_KEPT; i++)
		if (s->recent[i]->from == 0 && s->recent[i]->accepted)
			story_inject_again(s, s->recent[i], &spoofed);
	OK(s, has_endpoint(s, 1, 0, &was));
	message_put(m);
}

/* Held back by the network, or opened by a thread that was late. */
static void an_older_message_does_not_undo_roaming(struct sim *s)
{
	struct ip_endpoint was, now;
	struct message *m;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	was = s->nodes[0].v4;
	sim_link(s, 0, 1)->cut = true;
	uint64_t serial = sim_push(s, 0, 1);
	m = sim_recent(s, 0, 4);
	m->refs++;
	sim_link(s, 0, 1)->cut = false;
	sim_move(s, 0, 5);
	now = s->nodes[0].v4;
	exchange(s, 0, 1, 1);
	OK(s, has_endpoint(s, 1, 0, &now) && !endpoint_equal(&was, &now));
	story_inject_again(s, m, &was);
	OK(s, ledger_has_arrived(s, serial));
	OK(s, has_endpoint(s, 1, 0, &now));
	message_put(m);
}

/* The same across a new session: a datagram of the previous one is older. */
static void a_late_message_of_the_previous_session_does_not_undo_roaming(struct sim *s)
{
	struct ip_endpoint was, now;
	struct message *m;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	sim_run_s(s, 121);
	was = s->nodes[0].v4;
	sim_link(s, 0, 1)->cut = true;
	uint64_t serial = sim_push(s, 0, 1); /* begins a handshake, which is lost, too */
	m = sim_recent(s, 0, 4);
	m->refs++;
	sim_link(s, 0, 1)->cut = false;
	sim_move(s, 0, 5);
	now = s->nodes[0].v4;
	sim_run_s(s, 6);
	exchange(s, 0, 1, 1);
	OK(s, s->nodes[1].sent[2] == 2);
	OK(s, has_endpoint(s, 1, 0, &now) && !endpoint_equal(&was, &now));
	story_inject_again(s, m, &was);
	OK(s, ledger_has_arrived(s, serial));
	OK(s, has_endpoint(s, 1, 0, &now));
	message_put(m);
}

/* Nothing can be sent to port 0. */
static void port_zero_is_not_learned(struct sim *s)
{
	struct ip_endpoint was, zero;

	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	was = zero = s->nodes[0].v4;
	zero.port = 0;
	sim_link(s, 0, 1)->cut = true;
	uint64_t serial = sim_push(s, 0, 1); /* data */
	story_inject_again(s, sim_recent(s, 0, 4), &zero);
	OK(s, ledger_has_arrived(s, serial));
	OK(s, has_endpoint(s, 1, 0, &was));
	sim_run_s(s, 700); /* an initiation: answered at the endpoint that is known */
	sim_push(s, 0, 1);
	sim_run(s, 15 * NS_PER_MS);
	sim_link(s, 0, 1)->cut = false;
	story_inject_again(s, sim_recent(s, 0, 1), &zero);
	OK(s, has_endpoint(s, 1, 0, &was));
	sim_run_s(s, 1);
	OK(s, has_endpoint(s, 1, 0, &was) && s->nodes[1].sent[2] >= 1);
}

static void cookie_replies_do_not_roam(struct sim *s)
{
	struct ip_endpoint spoofed = sim_outer(1, 33, false), was = s->nodes[1].v4;

	sim_pair(s, 0, 1);
	s->nodes[1].under_load = s->nodes[1].ever_loaded = true;
	sim_link(s, 1, 0)->cut = true;
	sim_push(s, 0, 1);
	sim_run_s(s, 1);
	struct message *reply = sim_recent(s, 1, 3);
	story_inject_again(s, reply, &spoofed);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_COOKIE) == 0); /* it was accepted */
	OK(s, has_endpoint(s, 0, 1, &was));
}

static void nat_rebinds(struct sim *s)
{
	struct ip_endpoint seen;

	sim_nat(s, 0, 30 * NS_PER_S);
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 3);
	for (int i = 0; i < 10; i++) {
		seen = sim_public_endpoint(s, 0, 1);
		OK(s, has_endpoint(s, 1, 0, &seen));
		sim_nat_rebind(s, 0);
		exchange(s, 0, 1, 2);
	}
	OK(s, ledger_arrived(s, 0) >= 230 - 3 * 10);
}

static void nat_entry_expires_without_keepalive(struct sim *s)
{
	sim_nat(s, 0, 30 * NS_PER_S);
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	sim_run_s(s, 60);
	uint64_t lost = sim_push(s, 1, 0);
	sim_run_s(s, 10);
	OK(s, !ledger_has_arrived(s, lost));
}

static void nat_entry_is_kept_by_keepalive(struct sim *s)
{
	sim_nat(s, 0, 30 * NS_PER_S);
	sim_pair(s, 0, 1);
	sim_keepalive(s, 0, 1, 25);
	for (int i = 0; i < 20; i++) {
		sim_run_s(s, 600);
		uint64_t serial = sim_push(s, 1, 0);
		sim_run_s(s, 1);
		OK(s, ledger_has_arrived(s, serial));
	}
}

static void two_peers_behind_nats_through_a_hub(struct sim *s)
{
	struct ip_addr net = sim_inner(0, false), net6 = sim_inner(0, true);
	struct ip_prefix wide, wide6;

	sim_nat(s, 1, 30 * NS_PER_S);
	sim_nat(s, 2, 30 * NS_PER_S);
	s->nodes[0].forward = true;
	OK(s, prefix_make(&wide, &net, 24) && prefix_make(&wide6, &net6, 64));
	for (unsigned int i = 1; i <= 2; i++) {
		sim_pair(s, 0, i);
		sim_route(s, i, 0, &wide);
		sim_route(s, i, 0, &wide6);
		sim_keepalive(s, i, 0, 25);
	}
	sim_run_s(s, 1000);
	for (int i = 0; i < 100; i++) {
		uint64_t a = sim_push(s, 1, 2), b = sim_push(s, 2, 1);
		sim_run_s(s, 1);
		OK(s, ledger_has_arrived(s, a) && ledger_has_arrived(s, b));
	}
}

/* The local address changes: packets must not be sent from the old one any more. */
static void stale_source_address_is_cleared(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	OK(s, s->nodes[0].stale_sources == 0);
	sim_move(s, 0, 2);
	sim_push(s, 0, 1);
	sim_push(s, 0, 1);
	sim_push(s, 0, 1);
	OK(s, s->nodes[0].stale_sources == 1); /* reported once, then the system chooses the source */
	exchange(s, 0, 1, 2);
	OK(s, s->nodes[0].stale_sources == 1);
	struct node *n = &s->nodes[0];
	host_enter(n);
	host_must(n, wgproto_clear_sources(n->tunnel));
	host_leave(n);
	sim_move(s, 0, 4);
	sim_push(s, 0, 1);
	OK(s, n->stale_sources == 1);
}

/* Nothing is received: the source address is cleared by the 15 s timer and by every retry. */
static void timers_clear_the_source_address(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	exchange(s, 0, 1, 2);
	sim_link(s, 1, 0)->cut = true;
	sim_push(s, 0, 1);
	sim_run_s(s, 14);
	sim_move(s, 0, 2);
	sim_run_s(s, 20);
	OK(s, s->nodes[0].sent[1] >= 3 && s->nodes[0].stale_sources == 0);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"endpoint_follows_during_traffic", endpoint_follows_during_traffic, 2, 2},
		{"every_authenticated_message_roams", every_authenticated_message_roams, 2, 0},
		{"roams_between_address_families", roams_between_address_families, 2, 0},
		{"forged_and_replayed_packets_do_not_roam", forged_and_replayed_packets_do_not_roam, 2, 0},
		{"an_older_message_does_not_undo_roaming", an_older_message_does_not_undo_roaming, 2, 0},
		{"a_late_message_of_the_previous_session_does_not_undo_roaming",
		 a_late_message_of_the_previous_session_does_not_undo_roaming, 2, 0},
		{"port_zero_is_not_learned", port_zero_is_not_learned, 2, 0},
		{"cookie_replies_do_not_roam", cookie_replies_do_not_roam, 2, 0},
		{"nat_rebinds", nat_rebinds, 2, 2},
		{"nat_entry_expires_without_keepalive", nat_entry_expires_without_keepalive, 2, 0},
		{"nat_entry_is_kept_by_keepalive", nat_entry_is_kept_by_keepalive, 2, 0},
		{"two_peers_behind_nats_through_a_hub", two_peers_behind_nats_through_a_hub, 3, 0},
		{"stale_source_address_is_cleared", stale_source_address_is_cleared, 2, 0},
		{"timers_clear_the_source_address", timers_clear_the_source_address, 2, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
