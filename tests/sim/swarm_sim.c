/* The swarm: random topologies, faults, configuration changes and attacks, one world per seed, with all
 * invariants checked. At the end all faults are repaired and every peer must be reachable; then the
 * tunnels must fall silent and erase their keys. swarm_sim [N]: N seeds (default SWARM_SEEDS,
 * WGSUITE_SEEDS, 1000) from 1, or after WGSUITE_SEEDS_AFTER, on all processors. SIM_SEED=n: that seed only. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "memory.h"
#include "story.h"

enum { STEPS = 50, WORKERS_MAX = 16, HEALING_S = 45 };

static const uint64_t DAY_NS = 86400 * NS_PER_S;

/* ---- the world ---- */

static unsigned int any_node(struct sim *s)
{
	return (unsigned int)rng_below(&s->actions, s->n_nodes);
}

/* A peer of a, or a itself if it has none. */
static unsigned int any_peer(struct sim *s, unsigned int a)
{
	for (int i = 0; i < 20; i++) {
		unsigned int b = any_node(s);
		if (b != a && s->nodes[a].conf[b].present)
			return b;
	}
	return a;
}

static void both_psk(struct sim *s, unsigned int a, unsigned int b)
{
	struct wg_psk psk = {{0}};

	if (rng_below(&s->actions, 3))
		rng_bytes(&s->actions, psk.b, sizeof psk.b);
	if (s->nodes[a].conf[b].present)
		sim_psk(s, a, b, &psk);
	if (s->nodes[b].conf[a].present)
		sim_psk(s, b, a, &psk);
}

static void make_star(struct sim *s)
{
	struct ip_addr net = sim_inner(0, false), net6 = sim_inner(0, true);
	struct ip_prefix wide, wide6;

	OK(s, prefix_make(&wide, &net, 24) && prefix_make(&wide6, &net6, 112));
	s->nodes[0].forward = true;
	for (unsigned int i = 1; i < s->n_nodes; i++) {
		if (rng_below(&s->actions, 2))
			sim_nat(s, i, (20 + rng_below(&s->actions, 100)) * NS_PER_S);
		sim_pair(s, 0, i);
		sim_route(s, i, 0, &wide);
		sim_route(s, i, 0, &wide6);
	}
}

static void make_mesh(struct sim *s)
{
	if (rng_below(&s->actions, 3) == 0)
		sim_nat(s, 0, (20 + rng_below(&s->actions, 100)) * NS_PER_S);
	for (unsigned int a = 0; a < s->n_nodes; a++)
		for (unsigned int b = a + 1; b < s->n_nodes; b++)
			sim_pair(s, a, b);
}

static void any_faults(struct sim *s)
{
	struct link like = {.delay_ns = rng_below(&s->actions, 100 * NS_PER_MS),
			    .jitter_ns = rng_below(&s->actions, 60 * NS_PER_MS)};
	uint32_t *faults[] = {&like.loss, &like.dup, &like.reorder, &like.corrupt, &like.ce};

	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (rng_below(&s->actions, 2))
			*faults[i] = (uint32_t)rng_below(&s->actions, 300);
	sim_links(s, &like);
}

static void make_world(struct sim *s)
{
	static const uint32_t mtus[] = {1420, 1420, 1500, 1280, 576, 0, 65535};

	if (rng_below(&s->actions, 2))
		make_star(s);
	else
		make_mesh(s);
	for (unsigned int i = 0; i < s->n_nodes; i++) {
		sim_mtu(s, i, mtus[rng_below(&s->actions, ARRAY_LEN(mtus))]);
		if (rng_below(&s->actions, 4) == 0)
			s->nodes[i].slack_ns = rng_below(&s->actions, 300 * NS_PER_MS);
		unsigned int b = any_peer(s, i);
		if (b != i && rng_below(&s->actions, 3) == 0)
			both_psk(s, i, b);
		if (b != i && !s->nodes[b].nat && rng_below(&s->actions, 3) == 0)
			sim_endpoint(s, i, b, &s->nodes[b].v6);
	}
	any_faults(s);
}

/* ---- what happens ---- */

static void act_push(struct sim *s)
{
	unsigned int a = any_node(s), b = any_node(s);

	if (a != b)
		sim_push(s, a, b);
}

static void act_exchange(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a);

	for (uint64_t i = rng_below(&s->actions, 20); a != b && i > 0; i--) {
		sim_push(s, a, b);
		if (rng_below(&s->actions, 2))
			sim_push(s, b, a);
		sim_run(s, rng_below(&s->actions, 400 * NS_PER_MS));
	}
}

static void act_batch(struct sim *s)
{
	struct ledger_entry e[BATCH_MAX];
	unsigned int a = any_node(s);
	size_t n = 1 + rng_below(&s->actions, BATCH_MAX);

	for (size_t i = 0; i < n; i++) {
		unsigned int b = any_node(s);
		e[i] = (struct ledger_entry){.from = (uint8_t)a,
					     .as = (uint8_t)a,
					     .to = (uint8_t)b,
					     .v6 = rng_below(&s->actions, 2),
					     .tos = (uint8_t)rng_u64(&s->actions)};
	}
	sim_push_batch(s, a, e, n);
}

static void act_overflow(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a);

	for (int i = 0; a != b && i < 150; i++)
		sim_push(s, a, b);
}

static void act_spoof(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a), as = any_node(s);

	if (a == b || as == a || s->nodes[b].forward || s->nodes[a].forward ||
	    s->nodes[b].conf[a].n_routes > 2)
		return;
	struct ledger_entry e = {.from = (uint8_t)a,
				 .to = (uint8_t)b,
				 .as = (uint8_t)as,
				 .spoofed = true,
				 .v6 = rng_below(&s->actions, 2)};
	sim_push_with(s, a, &e);
}

static void act_wait(struct sim *s)
{
	static const uint64_t spans[] = {50 * NS_PER_MS, NS_PER_S,	 6 * NS_PER_S,
					 30 * NS_PER_S,	 130 * NS_PER_S, 200 * NS_PER_S};

	sim_run(s, rng_below(&s->actions, spans[rng_below(&s->actions, ARRAY_LEN(spans))]));
}

static void act_cut(struct sim *s)
{
	unsigned int a = any_node(s), b = any_node(s);

	if (rng_below(&s->actions, 2))
		sim_cut(s, a, b, !sim_link(s, a, b)->cut);
	else
		sim_link(s, a, b)->cut ^= true;
}

static void act_move(struct sim *s)
{
	unsigned int a = any_node(s);

	if (s->nodes[a].nat && rng_below(&s->actions, 2))
		sim_nat_rebind(s, a);
	else
		sim_move(s, a, (unsigned int)rng_below(&s->actions, 20));
}

static void act_reboot(struct sim *s)
{
	struct node *n = &s->nodes[any_node(s)];
	int64_t change = (int64_t)rng_below(&s->actions, 2 * DAY_NS) - (int64_t)DAY_NS;

	if (rng_below(&s->actions, 2))
		n->wall_offset_ns += change;
	n->clock_was_set_back = false;
	sim_off(s, n->id);
	if (rng_below(&s->actions, 2))
		sim_run(s, rng_below(&s->actions, 20 * NS_PER_S));
	sim_boot(s, n->id);
}

static void act_set_clock(struct sim *s)
{
	struct node *n = &s->nodes[any_node(s)];

	n->wall_offset_ns += (int64_t)rng_below(&s->actions, DAY_NS) - (int64_t)DAY_NS / 2;
	n->clock_was_set_back = true; /* or forward: the wiretap only checks that timestamps increase */
}

static void act_new_key(struct sim *s)
{
	unsigned int a = any_node(s);

	sim_new_key(s, a);
	for (unsigned int b = 0; b < s->n_nodes; b++)
		if (s->nodes[b].conf[a].present && rng_below(&s->actions, 4))
			sim_update_key(s, b, a);
}

static void act_recreate_peer(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a);
	struct peer_conf kept = s->nodes[a].conf[b];

	if (a == b)
		return;
	sim_peer_remove(s, a, b);
	if (rng_below(&s->actions, 2))
		sim_run(s, rng_below(&s->actions, 3 * NS_PER_S));
	s->nodes[a].conf[b] = kept;
	host_apply_peer(s, &s->nodes[a], b);
}

static void act_psk(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a);

	if (a != b)
		both_psk(s, a, b);
}

static void act_keepalive(struct sim *s)
{
	unsigned int a = any_node(s), b = any_peer(s, a);

	if (a != b)
		sim_keepalive(s, a, b,
			      (uint16_t)(rng_below(&s->actions, 2) *
					 (1 + rng_below(&s->actions, 40))));
}

static void act_up_down(struct sim *s)
{
	unsigned int a = any_node(s);

	sim_up(s, a, !s->nodes[a].up);
	sim_run(s, rng_below(&s->actions, 5 * NS_PER_S));
	if (rng_below(&s->actions, 4))
		sim_up(s, a, true);
}

static void act_load(struct sim *s)
{
	struct node *n = &s->nodes[any_node(s)];

	n->under_load = !n->under_load;
	n->ever_loaded = true;
}

static void act_no_memory(struct sim *s)
{
	memory_fail_permille(400, rng_u64(&s->actions));
	s->memory_failed = true;
	s->memory_failed_at = NEVER;
	act_exchange(s);
	act_wait(s);
	memory_fail_permille(0, 0);
	s->memory_failed_at = s->now;
}

static void act_suspend(struct sim *s)
{
	s->nodes[any_node(s)].slack_now_ns = rng_below(&s->actions, 300 * NS_PER_S);
}

/* The adversary replays recorded messages: unchanged, altered, to other nodes, from other addresses. */
static void act_attack(struct sim *s)
{
	uint8_t p[2048];

	for (uint64_t i = rng_below(&s->actions, 30); i > 0; i--) {
		uint64_t kept = s->n_recent < RECENT_KEPT ? s->n_recent : RECENT_KEPT;
		struct message *m = kept ? s->recent[rng_below(&s->actions, kept)] : NULL;
		unsigned int to = any_node(s);
		struct ip_endpoint from =
			sim_outer(any_node(s), (unsigned int)rng_below(&s->actions, 20), false);
		size_t n = m && m->n <= sizeof p ? m->n : rng_below(&s->actions, 200);
		bool altered = !m || m->n > sizeof p;
		rng_bytes(&s->actions, p, sizeof p);
		p[0] = (uint8_t)(1 + (p[0] & 3));
		p[1] = p[2] = p[3] = 0;
		if (!altered)
			memcpy(p, m->bytes, n);
		if (m && m->to >= 0 && rng_below(&s->actions, 2))
			to = (unsigned int)m->to;
		if (!altered && rng_below(&s->actions, 3) == 0) {
			size_t at = rng_below(&s->actions, n);
			p[at] ^= (uint8_t)(1 + rng_below(&s->actions, 255));
			altered = !(m->type == 1 && at >= 132) && !(m->type == 2 && at >= 76);
		}
		sim_inject(s, &from, &s->nodes[to].v4, p, n, m, altered);
		sim_run(s, rng_below(&s->actions, 30 * NS_PER_MS));
	}
}

static const struct action {
	unsigned int weight;
	void (*run)(struct sim *s);
} actions[] = {
	{30, act_push},	  {30, act_exchange},     {10, act_batch},	{2, act_overflow},
	{8, act_spoof},	  {40, act_wait},     {8, act_cut},	{10, act_move},
	{6, act_reboot},  {5, act_set_clock}, {4, act_new_key}, {6, act_recreate_peer},
	{6, act_psk},	  {8, act_keepalive}, {4, act_up_down}, {5, act_load},
	{3, act_suspend}, {4, act_no_memory}, {20, act_attack}, {5, any_faults},
};

static void act(struct sim *s)
{
	unsigned int all = 0;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		all += actions[i].weight;
	uint64_t at = rng_below(&s->actions, all);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (at < actions[i].weight) {
			actions[i].run(s);
			return;
		}
		at -= actions[i].weight;
	}
}

/* ---- the end ---- */

static void heal(struct sim *s)
{
	struct link like = {.delay_ns = 5 * NS_PER_MS};

	sim_links(s, &like);
	for (unsigned int a = 0; a < s->n_nodes; a++) {
		struct node *n = &s->nodes[a];
		n->under_load = false;
		n->slack_now_ns = 0;
		n->wall_offset_ns = (int64_t)(400 * DAY_NS); /* later than any timestamp that was sent */
		n->clock_was_set_back = true;
		if (!n->up)
			sim_up(s, a, true);
		for (unsigned int b = 0; b < s->n_nodes; b++) {
			struct peer_conf *c = &n->conf[b];
			if (!c->present)
				continue;
			if (memcmp(&c->key, &s->nodes[b].public_key, sizeof c->key) != 0)
				sim_update_key(s, a, b);
			sim_keepalive(s, a, b, 0);
			if (!s->nodes[b].nat)
				sim_endpoint(s, a, b, &s->nodes[b].v4);
		}
	}
}

/* Every node reaches every peer that it has. */
static void must_work(struct sim *s)
{
	uint64_t first = 0;

	for (int i = 0; i < HEALING_S; i++) {
		first = s->ledger.n;
		for (unsigned int a = 0; a < s->n_nodes; a++)
			for (unsigned int b = 0; b < s->n_nodes; b++)
				if (s->nodes[a].conf[b].present)
					sim_push(s, a, b);
		sim_run_s(s, 1);
	}
	for (uint64_t i = first; i < s->ledger.n; i++)
		if (!ledger_has_arrived(s, i))
			sim_fail(s, "after repair, node %u does not reach %u", s->ledger.entries[i].from,
				 s->ledger.entries[i].to);
}

static void must_erase_keys(struct sim *s)
{
	uint64_t t = s->now;

	sim_run_s(s, 1300);
	for (unsigned int a = 0; a < s->n_nodes; a++) {
		const char *left = memory_find(a + 1, SECRET_SESSION);
		if (left)
			sim_fail(s, "node %u holds %s", a, left);
		if (s->nodes[a].last_sent_ns > t + 60 * NS_PER_S)
			sim_fail(s, "node %u still sends without traffic", a);
		/* the table of the rate limit stays allocated */
		size_t limiter = s->nodes[a].ever_loaded ? 2 << 20 : 0;
		if (memory_bytes(a + 1) > 65536 + s->n_nodes * 4096 + limiter)
			sim_fail(s, "node %u keeps %zu bytes", a, memory_bytes(a + 1));
	}
}

/* ---- running ---- */

static jmp_buf out;

static void give_up(void)
{
	longjmp(out, 1);
}

static bool run_seed(uint64_t seed)
{
	struct rng c = rng_stream(seed, 3);
	unsigned int nodes = (unsigned int)(2 + rng_below(&c, 1 + rng_below(&c, 5)));

	sim_on_fail = give_up;
	if (setjmp(out) != 0)
		return false;
	struct sim *s = sim_new(seed, nodes);
	make_world(s);
	for (int i = 0; i < STEPS; i++)
		act(s);
	heal(s);
	must_work(s);
	must_erase_keys(s);
	sim_end(s);
	return true;
}

struct worker { /* shared memory, written by the worker */
	uint64_t seed, passed, failed;
};

static void work(struct worker *w, uint64_t first, uint64_t step, uint64_t last)
{
	for (w->seed = first; w->seed <= last; w->seed += step)
		*(run_seed(w->seed) ? &w->passed : &w->failed) += 1;
	exit(w->failed != 0); /* exit runs the leak checker */
}

static uint64_t requested_seeds(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : getenv("SWARM_SEEDS");

	if (!text)
		text = getenv("WGSUITE_SEEDS");
	return text ? strtoull(text, NULL, 10) : 1000;
}

static uint64_t seeds_after(void)
{
	const char *text = getenv("WGSUITE_SEEDS_AFTER");

	return text ? strtoull(text, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = processors > WORKERS_MAX ? WORKERS_MAX
		     : processors < 1	      ? 1
					      : (uint64_t)processors;
	uint64_t seeds = requested_seeds(argc, argv), after = seeds_after(), passed = 0, failed = 0;
	struct worker *w = mmap(NULL, sizeof *w * WORKERS_MAX, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int running = 0;
	int status;
	pid_t pids[WORKERS_MAX], pid;

	if (getenv("SIM_SEED"))
		return !run_seed(strtoull(getenv("SIM_SEED"), NULL, 10));
	if (w == MAP_FAILED)
		return 1;
	printf("1..1\n");
	fflush(stdout);
	for (uint64_t i = 0; i < n; i++, running++)
		if ((pids[i] = fork()) == 0)
			work(&w[i], after + i + 1, n, after + seeds);
	while (running > 0 && (pid = wait(&status)) > 0) {
		uint64_t i = 0;
		while (pids[i] != pid)
			i++;
		running--;
		if (w[i].seed <= after + seeds) { /* the worker died: this seed failed, continue after it */
			fprintf(stderr, "seed %llu: the process died\n  replay: SIM_SEED=%llu %s\n",
				(unsigned long long)w[i].seed, (unsigned long long)w[i].seed,
				argv[0]);
			w[i].failed++;
			running++;
			uint64_t next = w[i].seed + n;
			if ((pids[i] = fork()) == 0)
				work(&w[i], next, n, after + seeds);
		} else if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && w[i].failed == 0)) {
			fprintf(stderr, "worker %llu: memory leak\n", (unsigned long long)i);
			w[i].failed++;
		}
	}
	for (uint64_t i = 0; i < n; i++) {
		passed += w[i].passed;
		failed += w[i].failed;
	}
	printf("%s 1 - swarm of %llu seeds after %llu\n# %llu passed, %llu failed\n", failed ? "not ok" : "ok",
	       (unsigned long long)seeds, (unsigned long long)after, (unsigned long long)passed, (unsigned long long)failed);
	return failed != 0 || passed != seeds;
}
