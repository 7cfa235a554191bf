/* Counters near their limits: a session is replaced after 2^60 messages and ends at 2^64 - 2^13 - 1. Only
 * these stories look inside the library, and modify the state of src/proto, to get there in finite time. */
#include "lib/instance.h"
#include "proto/peer.h"
#include "story.h"

static const uint64_t REJECT = UINT64_MAX - (1 << 13);

/* Sets the send counter of the session from node a to node b. */
static void jump(struct sim *s, unsigned int a, unsigned int b, uint64_t counter)
{
	struct node *n = &s->nodes[a];
	struct wg_session *session = tunnel_peer_find(n->tunnel->tunnel, &n->conf[b].key)->sessions.current;

	OK(s, session);
	atomic_store(&session->tx_counter, counter);
}

/* A session that node 0 initiated. */
static void connect_fresh(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
}

static void rekey_after_2_60_messages(struct sim *s)
{
	for (unsigned int sender = 0; sender < 2;
	     sender++) { /* either side rekeys, not only the initiator */
		sim_peer_remove(s, 0, 1);
		sim_peer_remove(s, 1, 0);
		connect_fresh(s);
		jump(s, sender, !sender, (1ull << 60) - 1);
		uint64_t t = s->now;
		sim_push(s, sender, !sender);
		OK(s, sim_count(s, sender, 1, t, NEVER) == 0);
		OK(s, sim_recent(s, sender, 4)->counter == (1ull << 60) - 1);
		sim_push(s, sender, !sender);
		OK(s, sim_count(s, sender, 1, t, NEVER) == 1);
		size_t before = s->tap->n_sessions;
		sim_run_s(s, 1);
		OK(s, s->tap->n_sessions == before + 1);
		sim_push(s, sender, !sender);
		OK(s, sim_recent(s, sender, 4)->counter < 10);
		sim_run_s(s, 1);
	}
}

static void two_counters_left_for_three_packets(struct sim *s)
{
	connect_fresh(s);
	for (unsigned int sender = 0; sender < 2; sender++) {
		jump(s, sender, !sender, REJECT - 2);
		uint64_t t = s->now, serials[3];
		for (int i = 0; i < 3; i++)
			serials[i] = sim_push(s, sender, !sender);
		OK(s, sim_count(s, sender, 4, t, NEVER) == 2);
		OK(s, sim_recent(s, sender, 4)->counter == REJECT - 1);
		OK(s, sim_count(s, sender, 1, t, NEVER) == 1);
		sim_run_s(s, 1);
		for (int i = 0; i < 3; i++)
			OK(s, ledger_has_arrived(s, serials[i]));
		OK(s, sim_recent(s, sender, 4)->counter < 3);
		sim_run_s(s, 10);
	}
}

static void batch_across_the_limit(struct sim *s)
{
	struct ledger_entry e[BATCH_MAX];
	uint64_t first;

	connect_fresh(s);
	jump(s, 0, 1, REJECT - 5);
	for (size_t i = 0; i < BATCH_MAX; i++)
		e[i] = (struct ledger_entry){.from = 0, .to = 1, .as = 0};
	first = s->ledger.n;
	uint64_t t = s->now, order = s->ledger.n_delivered;
	sim_push_batch(s, 0, e, BATCH_MAX);
	OK(s, sim_count(s, 0, 4, t, NEVER) == 5);
	sim_run_s(s, 1);
	for (uint64_t i = 0; i < BATCH_MAX; i++) /* all delivered, in order */
		OK(s, s->ledger.entries[first + i].order == order + i + 1);
}

/* The counter is exhausted and no handshake succeeds: nothing is sent with the old keys. */
static void exhausted_counter_without_response(struct sim *s)
{
	connect_fresh(s);
	jump(s, 0, 1, REJECT);
	sim_cut(s, 0, 1, true);
	uint64_t t = s->now;
	for (int i = 0; i < 20; i++) {
		sim_push(s, 0, 1);
		sim_run_s(s, 1);
	}
	OK(s, sim_count(s, 0, 4, t, NEVER) == 0);
	sim_cut(s, 0, 1, false);
	sim_run_s(s, 6);
	OK(s, ledger_arrived(s, 1) == 21);
}

/* Keepalives use counters, too. */
static void keepalives_use_counters(struct sim *s)
{
	connect_fresh(s);
	jump(s, 0, 1, REJECT);
	sim_keepalive(s, 0, 1, 5);
	uint64_t t = s->now;
	sim_run_s(s, 60);
	OK(s, sim_count(s, 0, 1, t, NEVER) == 1);
	OK(s, sim_count(s, 0, 4, t, NEVER) >= 11);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"rekey_after_2_60_messages", rekey_after_2_60_messages, 2, 0},
		{"two_counters_left_for_three_packets", two_counters_left_for_three_packets, 2, 0},
		{"batch_across_the_limit", batch_across_the_limit, 2, 0},
		{"exhausted_counter_without_response", exhausted_counter_without_response, 2, 0},
		{"keepalives_use_counters", keepalives_use_counters, 2, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
