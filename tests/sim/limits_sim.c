/* Counters near their limits: 2^60 asks for new keys, 2^64 - 2^13 - 1 ends a session. Here alone
 * the simulator reaches into src/proto, to be there in less than a lifetime. */
#include "proto/peer.h"
#include "story.h"

static const uint64_t REJECT = UINT64_MAX - (1 << 13);

/* The session that node a sends on to b continues at this counter. */
static void jump(struct sim *s, unsigned int a, unsigned int b, uint64_t counter)
{
	struct wg_session *session = sim_peer_of(s, a, b)->sessions.current;

	OK(s, session);
	atomic_store(&session->tx_counter, counter);
}

/* Node 0 began the session; `sender` is who sends. */
static void connect_fresh(struct sim *s)
{
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	sim_run_s(s, 30);
}

static void rekey_after_2_60_messages(struct sim *s)
{
	for (unsigned int sender = 0; sender < 2;
	     sender++) { /* either side, not only the initiator */
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

static void two_go_and_the_third_waits(struct sim *s)
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

static void a_batch_across_the_limit(struct sim *s)
{
	struct ledger_entry e[BATCH_MAX];
	uint64_t first;

	connect_fresh(s);
	jump(s, 0, 1, REJECT - 5);
	for (size_t i = 0; i < BATCH_MAX; i++)
		e[i] = (struct ledger_entry){.from = 0, .to = 1, .as = 0};
	first = s->ledger.n;
	uint64_t t = s->now, order = s->ledger.came_out;
	sim_push_batch(s, 0, e, BATCH_MAX);
	OK(s, sim_count(s, 0, 4, t, NEVER) == 5);
	sim_run_s(s, 1);
	for (uint64_t i = 0; i < BATCH_MAX; i++) /* none lost, none overtaken */
		OK(s, s->ledger.entries[first + i].order == order + i + 1);
}

/* Used up, and no answer: nothing leaves with the old keys, however long. */
static void used_up_and_cut(struct sim *s)
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

/* Keepalives use counters up as well. */
static void keepalives_count(struct sim *s)
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
		{"two_go_and_the_third_waits", two_go_and_the_third_waits, 2, 0},
		{"a_batch_across_the_limit", a_batch_across_the_limit, 2, 0},
		{"used_up_and_cut", used_up_and_cut, 2, 0},
		{"keepalives_count", keepalives_count, 2, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
