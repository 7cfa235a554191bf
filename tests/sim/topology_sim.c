/* Many tunnels and long durations: a hub with 50 peers, tunnels inside tunnels, routing loops, a week of
 * packet loss. */
#include "memory.h"
#include "story.h"

static void hub_with_50_peers(struct sim *s)
{
	unsigned int n = s->n_nodes - 1;
	struct ip_addr net = sim_inner(0, false), net6 = sim_inner(0, true);
	struct ip_prefix wide, wide6;
	struct link like = {
		.delay_ns = 10 * NS_PER_MS, .jitter_ns = 30 * NS_PER_MS, .reorder = 100};

	OK(s, prefix_make(&wide, &net, 24) && prefix_make(&wide6, &net6, 112));
	s->nodes[0].forward = true;
	sim_links(s, &like);
	size_t empty = memory_bytes(1);
	for (unsigned int i = 1; i <= n; i++) {
		sim_pair(s, 0, i);
		sim_route(s, i, 0, &wide);
		sim_route(s, i, 0, &wide6);
	}
	size_t idle = memory_bytes(1);
	OK(s, idle - empty <= n * 4096);
	for (int round = 0; round < 10; round++) {
		for (unsigned int i = 1; i <= n; i++)
			sim_push(s, i, 1 + (unsigned int)rng_below(&s->actions, n));
		sim_push(s, 0, 1 + (unsigned int)rng_below(&s->actions, n));
		sim_run_s(s, round == 5 ? 121 : 2);
	}
	sim_run_s(s, 10);
	for (uint64_t i = 0; i < s->ledger.n; i++)
		if (s->ledger.entries[i].from != s->ledger.entries[i].to)
			OK(s, ledger_has_arrived(s, i));
	sim_run_s(s, 1300);
	for (unsigned int i = 0; i <= n; i++)
		OK(s, !memory_find(i + 1, SECRET_SESSION));
}

/* Node i+2 sends its datagrams through the tunnel of node i. */
static void tunnel_in_tunnel(struct sim *s)
{
	s->tap->raw_allowed = true; /* the datagrams of the inner tunnel are not in the ledger */
	for (unsigned int i = 2; i < 4; i++) {
		s->nodes[i].v4 =
			(struct ip_endpoint){.addr = sim_inner(i - 2, false), .port = 51900};
		s->nodes[i].carrier = (int)i - 2;
		sim_mtu(s, i, 1340);
	}
	sim_pair(s, 0, 1);
	sim_pair(s, 2, 3);
	for (int i = 0; i < 400; i++) {
		struct ledger_entry e = {.from = (uint8_t)(2 + (i & 1)),
					 .as = (uint8_t)(2 + (i & 1)),
					 .to = (uint8_t)(3 - (i & 1)),
					 .v6 = i & 2};
		e.size = (uint16_t)(64 + rng_below(&s->actions, 1340 - 64));
		sim_push_with(s, e.from, &e);
		sim_push(s, i & 1, !(i & 1));
		sim_run_s(s, 1);
	}
	for (unsigned int i = 0; i < 4; i++)
		OK(s, ledger_arrived(s, i) == 200);
}

/* The endpoint of a peer is one of its allowed IPs: a routing loop. */
static void endpoint_inside_its_own_tunnel(struct sim *s)
{
	struct ip_endpoint inside = {.addr = sim_inner(1, false), .port = 51820};

	s->tap->raw_allowed = true;
	sim_pair(s, 0, 1);
	story_connect(s, 0, 1);
	s->nodes[0].carrier = 0;
	sim_endpoint(s, 0, 1, &inside);
	uint64_t before = s->nodes[0].sent_bytes;
	struct ledger_entry e = {.from = 0, .to = 1, .as = 0, .size = 84};
	sim_push_with(s, 0, &e);
	sim_run_s(s, 1);
	OK(s, s->nodes[0].sent_bytes - before < 70000);
	before = s->nodes[0].sent_bytes;
	sim_run_s(s, 600);
	OK(s, s->nodes[0].sent_bytes - before < 300 * 70000ull);
}

static void a_week_at_30_percent_loss(struct sim *s)
{
	struct link like = {.loss = 300,
			    .delay_ns = 40 * NS_PER_MS,
			    .jitter_ns = 40 * NS_PER_MS,
			    .reorder = 50,
			    .dup = 20};
	uint64_t week = 7 * 86400 * NS_PER_S;
	size_t early = 0, pushed[2] = {0, 0};

	sim_pair(s, 0, 1);
	sim_links(s, &like);
	while (s->now < week) {
		unsigned int from = (unsigned int)rng_below(&s->actions, 2);
		sim_push(s, from, !from);
		pushed[!from]++;
		sim_run(s, rng_below(&s->actions, 20 * NS_PER_S));
		if (!early && s->now > 86400 * NS_PER_S)
			early = memory_bytes(1);
	}
	OK(s, tap_sessions_between(s, 0, 1) >= 3000);
	OK(s, memory_bytes(1) <= early + 300000); /* packets may be staged */
	for (unsigned int i = 0; i < 2; i++)
		OK(s, ledger_arrived(s, i) >= pushed[i] * 6 / 10);
	like = (struct link){.delay_ns = 40 * NS_PER_MS};
	sim_links(s, &like);
	sim_run_s(s, 700);
	OK(s, !memory_find(1, SECRET_SESSION) && !memory_find(2, SECRET_SESSION));
	OK(s, memory_bytes(1) <= early);
}

/* A peer that only initiates must not make memory grow. */
static void unconfirmed_initiations(struct sim *s)
{
	sim_pair(s, 0, 1);
	sim_puppet(s, 0);
	size_t bytes = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		story_puppet_initiates(s, 0, 1, 1700001000 + i, 100 + i, NULL);
		sim_run(s, 30 * NS_PER_MS);
		if (i == 10)
			bytes = memory_bytes(2);
	}
	OK(s, s->nodes[1].sent[2] == 1000);
	OK(s, memory_bytes(2) <= bytes);
	OK(s, memory_count(2, SECRET_SESSION) <= 2 * 4 + 8);
}

static void indices_are_random(struct sim *s)
{
	enum { DRAWN = 1280, EXPECTED = DRAWN / 16 };
	uint32_t counts[4][16] = {{0}};

	sim_pair(s, 0, 1);
	sim_puppet(s, 0);
	for (uint32_t i = 0; i < DRAWN; i++) {
		story_puppet_initiates(s, 0, 1, 1700001000 + i, 100 + i, NULL);
		sim_run(s, 30 * NS_PER_MS);
		const uint8_t *index = sim_recent(s, 1, 2)->bytes + 4;
		for (int b = 0; b < 4; b++)
			counts[b][index[b] & 15]++;
	}
	for (int b = 0; b < 4;
	     b++) { /* chi-square, 15 degrees of freedom: 37.7 has a probability of 0.001 */
		double x = 0;
		for (int i = 0; i < 16; i++)
			x += ((double)counts[b][i] - EXPECTED) *
			     ((double)counts[b][i] - EXPECTED) / EXPECTED;
		OK(s, x < 45);
	}
}

static void unreachable_peers_use_bounded_memory(struct sim *s)
{
	unsigned int n = s->n_nodes - 1;

	for (unsigned int i = 1; i <= n; i++) {
		sim_peer(s, 0, i);
		sim_cut(s, 0, i, true);
	}
	for (int k = 0; k < 300; k++) {
		for (unsigned int i = 1; i <= n; i++)
			sim_push(s, 0, i);
		sim_run(s, 100 * NS_PER_MS);
	}
	OK(s, memory_bytes(1) <= n * (128 * 2200 + 4096) + 100000);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_STAGED_FULL) == n * (300 - 128));
	sim_run_s(s, 1000);
	OK(s, memory_bytes(1) <= n * 4096 + 100000);
	OK(s, sim_drops(s, 0, WGPROTO_DROP_GAVE_UP) == n * 128);
}

int main(int argc, char **argv)
{
	static const struct story stories[] = {
		{"hub_with_50_peers", hub_with_50_peers, 51, 0},
		{"tunnel_in_tunnel", tunnel_in_tunnel, 4, 0},
		{"endpoint_inside_its_own_tunnel", endpoint_inside_its_own_tunnel, 2, 0},
		{"a_week_at_30_percent_loss", a_week_at_30_percent_loss, 2, 0},
		{"unconfirmed_initiations", unconfirmed_initiations, 2, 0},
		{"indices_are_random", indices_are_random, 2, 0},
		{"unreachable_peers_use_bounded_memory", unreachable_peers_use_bounded_memory, 11, 0},
	};

	return stories_run(stories, ARRAY_LEN(stories), argc, argv);
}
