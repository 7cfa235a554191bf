/* Simulated worlds: creation, configuration, running, queries. */
#include "sim.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "memory.h"
#include "tap.h"

static const uint64_t WALL_BEGINS_S = 1700000000;
enum { PORT = 51820, BUSY = 20000 };

void (*sim_on_fail)(void) = abort;
const char *sim_story = "";
static struct sim *current;

void sim_fail(struct sim *s, const char *fmt, ...)
{
	extern char *program_invocation_name;
	va_list ap;

	memory_leave();
	memory_ban(false);
	fprintf(stderr, "seed %llu, %llu.%09llu s: ", (unsigned long long)s->seed,
		(unsigned long long)(s->now / NS_PER_S), (unsigned long long)(s->now % NS_PER_S));
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n  replay: SIM_SEED=%llu %s %s\n", (unsigned long long)s->seed,
		program_invocation_name, sim_story);
	sim_on_fail();
}

static void memory_rule_broken(const char *rule, const char *what)
{
	sim_fail(current, "%s: %s", rule, what);
}

void sim_wall(const struct sim *s, const struct node *n, uint64_t *unix_s, uint32_t *ns)
{
	uint64_t t = WALL_BEGINS_S * NS_PER_S + s->now + (uint64_t)n->wall_offset_ns;

	*unix_s = t / NS_PER_S;
	*ns = (uint32_t)(t % NS_PER_S);
}

/* ---- addresses ---- */

struct ip_addr sim_inner(unsigned int node, bool v6)
{
	uint8_t v4_bytes[4] = {10, 77, 0, (uint8_t)(node + 1)};
	uint8_t v6_bytes[16] = {0xfd, 0x77, [15] = (uint8_t)(node + 1)};

	return v6 ? ip_v6(v6_bytes) : ip_v4(v4_bytes);
}

struct ip_endpoint sim_outer(unsigned int node, unsigned int site, bool v6)
{
	uint8_t v4_bytes[4] = {100, (uint8_t)(64 + site), 0, (uint8_t)(node + 1)};
	uint8_t v6_bytes[16] = {
		0x20, 0x01, 0x0d, 0xb8, [7] = (uint8_t)site, [15] = (uint8_t)(node + 1)};
	struct ip_endpoint e = {.port = (uint16_t)(PORT + (site & 1 ? site : 0))};

	e.addr = v6 ? ip_v6(v6_bytes) : ip_v4(v4_bytes);
	return e;
}

void sim_move(struct sim *s, unsigned int a, unsigned int site)
{
	s->nodes[a].v4 = sim_outer(a, site, false);
	s->nodes[a].v6 = sim_outer(a, site, true);
}

void sim_nat(struct sim *s, unsigned int a, uint64_t timeout_ns)
{
	struct nat *nat = calloc(1, sizeof *nat);
	uint8_t v4_bytes[4] = {203, 0, 113, (uint8_t)(a + 1)};
	uint8_t v6_bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = (uint8_t)(a + 1)};

	if (!nat)
		abort();
	nat->addr[0] = ip_v4(v4_bytes);
	nat->addr[1] = ip_v6(v6_bytes);
	nat->timeout_ns = timeout_ns;
	nat->next_port = 1024;
	free(s->nodes[a].nat);
	s->nodes[a].nat = nat;
}

void sim_nat_rebind(struct sim *s, unsigned int a)
{
	s->nodes[a].nat->n = 0;
}

struct ip_endpoint sim_public_endpoint(struct sim *s, unsigned int a, unsigned int b)
{
	struct node *n = &s->nodes[a];
	struct ip_endpoint none = {.port = 0};

	if (!n->nat)
		return n->v4;
	for (unsigned int i = n->nat->n; i-- > 0;)
		if (endpoint_equal(&n->nat->entries[i].far, &s->nodes[b].v4))
			return (struct ip_endpoint){.addr = n->nat->addr[0],
						    .port = n->nat->entries[i].port};
	return none;
}

/* ---- creation and end ---- */

static void draw_key(struct sim *s, struct node *n)
{
	rng_bytes(&s->actions, n->private_key.b, KEY_BYTES);
	x25519_clamp(&n->private_key);
	x25519_public(&n->public_key, &n->private_key);
}

static void node_new(struct sim *s, unsigned int id)
{
	static const uint64_t boots[] = {0, 1, NS_PER_S, 1ull << 50};
	struct node *n = &s->nodes[id];

	n->sim = s;
	n->id = id;
	n->mtu = 1420;
	n->up = true;
	n->carrier = -1;
	n->boot_ns = boots[rng_below(&s->actions, ARRAY_LEN(boots))];
	n->entropy = rng_stream(s->seed, 1000 + id);
	n->conf = calloc(s->n_nodes, sizeof *n->conf);
	if (!n->conf)
		abort();
	draw_key(s, n);
	tap_new_key(s, id);
	sim_move(s, id, 0);
}

struct sim *sim_new(uint64_t seed, unsigned int n_nodes)
{
	struct sim *s = calloc(1, sizeof *s);
	struct link like = {.delay_ns = 10 * NS_PER_MS};

	if (!s)
		abort();
	current = s;
	memory_violation = memory_rule_broken;
	memory_reset();
	s->seed = seed;
	s->n_nodes = n_nodes;
	s->wire = rng_stream(seed, 1);
	s->actions = rng_stream(seed, 2);
	s->nodes = calloc(n_nodes, sizeof *s->nodes);
	s->links = calloc((size_t)n_nodes * n_nodes, sizeof *s->links);
	s->drain_buffer = malloc(WGPROTO_DATAGRAM_MAX);
	if (!s->nodes || !s->links || !s->drain_buffer)
		abort();
	s->tap = tap_new(s);
	sim_links(s, &like);
	for (unsigned int i = 0; i < n_nodes; i++)
		node_new(s, i);
	for (unsigned int i = 0; i < n_nodes; i++)
		host_boot(s, &s->nodes[i]);
	return s;
}

void sim_end(struct sim *s)
{
	for (unsigned int i = 0; i < s->n_nodes; i++) {
		host_off(s, &s->nodes[i]);
		free(s->nodes[i].nat);
		free(s->nodes[i].conf);
	}
	wire_free(s);
	tap_free(s->tap);
	free(s->ledger.entries);
	free(s->observations);
	free(s->drain_buffer);
	free(s->links);
	free(s->nodes);
	free(s);
	memory_reset();
	current = NULL;
}

struct link *sim_link(struct sim *s, unsigned int from, unsigned int to)
{
	return &s->links[(size_t)from * s->n_nodes + to];
}

void sim_links(struct sim *s, const struct link *like)
{
	for (size_t i = 0; i < (size_t)s->n_nodes * s->n_nodes; i++) {
		uint64_t last_at = s->links[i].last_at;
		s->links[i] = *like;
		s->links[i].last_at = last_at;
	}
}

void sim_cut(struct sim *s, unsigned int a, unsigned int b, bool cut)
{
	sim_link(s, a, b)->cut = cut;
	sim_link(s, b, a)->cut = cut;
}

/* ---- configuration ---- */

void sim_peer(struct sim *s, unsigned int a, unsigned int b)
{
	struct peer_conf *c = &s->nodes[a].conf[b];
	struct ip_addr v4 = sim_inner(b, false), v6 = sim_inner(b, true);

	c->present = true;
	c->key = s->nodes[b].public_key;
	c->endpoint = s->nodes[b].v4;
	if (s->nodes[b].nat)
		c->endpoint.addr.family = IP_NONE;
	c->n_routes = 2;
	OK(s, prefix_make(&c->routes[0], &v4, 32) && prefix_make(&c->routes[1], &v6, 128));
	host_apply_peer(s, &s->nodes[a], b);
}

void sim_pair(struct sim *s, unsigned int a, unsigned int b)
{
	sim_peer(s, a, b);
	sim_peer(s, b, a);
}

void sim_peer_remove(struct sim *s, unsigned int a, unsigned int b)
{
	struct node *n = &s->nodes[a];
	struct wgproto_peer peer;

	if (n->tunnel && n->conf[b].present && wgproto_peer_get(n->tunnel, n->conf[b].key.b, KEY_BYTES, &peer) == WGPROTO_OK) {
		host_enter(n);
		host_must(n, wgproto_peer_remove(n->tunnel, n->conf[b].key.b, KEY_BYTES));
		host_leave(n);
	}
	n->conf[b].present = false;
	memset(&n->conf[b].psk, 0, sizeof n->conf[b].psk);
	n->conf[b].keepalive_s = 0;
	tap_reset_pair(s, a, b, true);
}

void sim_psk(struct sim *s, unsigned int a, unsigned int b, const struct wg_psk *psk)
{
	struct node *n = &s->nodes[a];

	n->conf[b].psk = *psk;
	if (!mem_is_zero_ct(psk, sizeof *psk))
		memory_secret(psk->b, SECRET_STATIC, "a psk");
	host_enter(n);
	host_must(n, wgproto_peer_set_psk(n->tunnel, n->conf[b].key.b, KEY_BYTES, psk->b, KEY_BYTES));
	host_leave(n);
}

void sim_keepalive(struct sim *s, unsigned int a, unsigned int b, uint16_t seconds)
{
	struct node *n = &s->nodes[a];

	n->conf[b].keepalive_s = seconds;
	if (!n->tunnel)
		return;
	host_enter(n);
	host_must(n, wgproto_peer_set_keepalive(n->tunnel, host_now(n), n->conf[b].key.b, KEY_BYTES, seconds));
	host_leave(n);
	host_drain(s, n);
}

void sim_endpoint(struct sim *s, unsigned int a, unsigned int b, const struct ip_endpoint *e)
{
	const struct wgproto_endpoint to = endpoint_to_lib(e);
	struct node *n = &s->nodes[a];

	n->conf[b].endpoint = *e;
	if (!n->tunnel)
		return;
	host_enter(n);
	host_must(n, wgproto_peer_set_endpoint(n->tunnel, n->conf[b].key.b, KEY_BYTES, &to));
	host_must(n, wgproto_peer_flush(n->tunnel, n->conf[b].key.b, KEY_BYTES));
	host_leave(n);
	host_drain(s, n);
}

void sim_route(struct sim *s, unsigned int a, unsigned int b, const struct ip_prefix *prefix)
{
	struct node *n = &s->nodes[a];
	struct peer_conf *c = &n->conf[b];

	OK(s, c->n_routes < ROUTES_MAX);
	c->routes[c->n_routes++] = *prefix;
	host_apply_peer(s, n, b);
}

void sim_state(struct sim *s, unsigned int a, unsigned int b, struct peer_state *out)
{
	const struct node *n = &s->nodes[a];
	struct wgproto_peer peer;

	host_must(n, wgproto_peer_get(n->tunnel, n->conf[b].key.b, KEY_BYTES, &peer));
	*out = (struct peer_state){
		.endpoint = endpoint_from_lib(&peer.endpoint),
		.handshake_s = peer.handshake_s,
		.handshake_ns = peer.handshake_ns,
		.rx_bytes = peer.rx_bytes,
		.tx_bytes = peer.tx_bytes,
	};
}

uint64_t sim_drops(struct sim *s, unsigned int a, enum wgproto_drop why)
{
	return wgproto_drops(s->nodes[a].tunnel, why);
}

void sim_up(struct sim *s, unsigned int a, bool up)
{
	struct node *n = &s->nodes[a];

	n->up = up;
	if (!n->tunnel)
		return;
	host_enter(n);
	host_must(n, up ? wgproto_up(n->tunnel, host_now(n)) : wgproto_down(n->tunnel));
	host_leave(n);
	if (!up) {
		const char *left = memory_find(a + 1, SECRET_SESSION);
		if (left)
			sim_fail(s, "node %u is down and holds %s", a, left);
		tap_down(s, a);
	}
	host_drain(s, n);
}

void sim_off(struct sim *s, unsigned int a)
{
	host_off(s, &s->nodes[a]);
}

void sim_boot(struct sim *s, unsigned int a)
{
	host_boot(s, &s->nodes[a]);
}

void sim_reboot(struct sim *s, unsigned int a)
{
	sim_off(s, a);
	sim_boot(s, a);
}

void sim_new_key(struct sim *s, unsigned int a)
{
	struct node *n = &s->nodes[a];

	memmove(&n->old_keys[1], &n->old_keys[0], sizeof n->old_keys - sizeof n->old_keys[0]);
	memmove(&n->old_publics[1], &n->old_publics[0],
		sizeof n->old_publics - sizeof n->old_publics[0]);
	n->old_keys[0] = n->private_key;
	n->old_publics[0] = n->public_key;
	if (n->n_old < ARRAY_LEN(n->old_keys))
		n->n_old++;
	draw_key(s, n);
	tap_new_key(s, a);
	if (!n->tunnel)
		return;
	host_enter(n);
	host_set_key(n, &n->private_key);
	host_leave(n);
	host_drain(s, n);
}

void sim_update_key(struct sim *s, unsigned int a, unsigned int b)
{
	struct peer_conf kept = s->nodes[a].conf[b];

	sim_peer_remove(s, a, b);
	s->nodes[a].conf[b] = kept;
	s->nodes[a].conf[b].key = s->nodes[b].public_key;
	host_apply_peer(s, &s->nodes[a], b);
}

void sim_puppet(struct sim *s, unsigned int a)
{
	host_off(s, &s->nodes[a]);
}

void sim_mtu(struct sim *s, unsigned int a, uint32_t mtu)
{
	s->nodes[a].mtu = mtu;
	host_must(&s->nodes[a], wgproto_set_mtu(s->nodes[a].tunnel, mtu));
}

/* ---- time and traffic ---- */

/* The next event: the deadline of a node, or the wire's (then *who is null). */
static uint64_t next_event(struct sim *s, struct node **who)
{
	struct heap_node *first = heap_first(&s->events);
	uint64_t at = first ? first->key : NEVER;

	*who = NULL;
	for (unsigned int i = 0; i < s->n_nodes; i++) {
		uint64_t due = host_deadline(&s->nodes[i]);
		if (due < at) {
			at = due;
			*who = &s->nodes[i];
		}
	}
	return at;
}

void sim_run(struct sim *s, uint64_t duration_ns)
{
	uint64_t until = s->now + duration_ns, at;
	struct node *who;

	while ((at = next_event(s, &who)) <= until) {
		if (at > s->now)
			s->same_instant = 0;
		else if (++s->same_instant > BUSY) {
			sim_fail(s, "busy loop: the clock does not advance");
			return;
		}
		s->now = at > s->now ? at : s->now;
		if (who)
			host_tick(s, who);
		else
			wire_due(s);
	}
	s->now = until;
	s->same_instant = 0;
}

uint64_t sim_push_with(struct sim *s, unsigned int a, const struct ledger_entry *e)
{
	sim_push_batch(s, a, e, 1);
	return s->ledger.n - 1;
}

uint64_t sim_push(struct sim *s, unsigned int a, unsigned int b)
{
	struct ledger_entry e = {.from = (uint8_t)a, .to = (uint8_t)b, .as = (uint8_t)a};
	struct rng c = rng_stream(s->seed, 0xabc0000 + s->ledger.n);

	e.v6 = rng_below(&c, 2);
	e.tos = (uint8_t)rng_u64(&c);
	return sim_push_with(s, a, &e);
}

void sim_push_batch(struct sim *s, unsigned int a, const struct ledger_entry *e, size_t n)
{
	static uint8_t packets[BATCH_MAX][LEDGER_PACKET_MAX];
	const uint8_t *p[BATCH_MAX];
	size_t sizes[BATCH_MAX];

	OK(s, n <= BATCH_MAX);
	for (size_t i = 0; i < n; i++) {
		sizes[i] = ledger_packet(s, ledger_add(s, &e[i]), packets[i]);
		p[i] = packets[i];
	}
	host_push(s, &s->nodes[a], p, sizes, n, NULL);
}

void sim_push_raw(struct sim *s, unsigned int a, const uint8_t *p, size_t n, struct wgproto_packet *seen)
{
	host_push(s, &s->nodes[a], &p, &n, 1, seen);
}

/* ---- observations ---- */

size_t sim_count(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
		 uint64_t until)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_observations; i++) {
		const struct observation *g = &s->observations[i];
		n += g->from == from && (type == 0 || g->type == type) && g->at >= since &&
		     g->at < until;
	}
	return n;
}

const struct observation *sim_nth(const struct sim *s, unsigned int from, uint8_t type, uint64_t since,
				  size_t nth)
{
	for (size_t i = 0; i < s->n_observations; i++) {
		const struct observation *g = &s->observations[i];
		if (g->from == from && (type == 0 || g->type == type) && g->at >= since &&
		    nth-- == 0)
			return g;
	}
	return NULL;
}
