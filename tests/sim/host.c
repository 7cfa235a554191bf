/* The program around an instance: passes batches in, acts on their actions, and checks the contract of wgproto.h. */
#include <stdio.h>
#include <stdlib.h>
#include "memory.h"
#include "tap.h"

void host_enter(struct node *n)
{
	memory_enter(n->id + 1);
}

void host_leave(struct node *n)
{
	memory_leave();
	if (n->publish_depth != 0)
		sim_fail(n->sim, "node %u: publish_begin without end", n->id);
}

uint64_t host_now(const struct node *n)
{
	return n->sim->now + n->boot_ns;
}

/* ---- env ---- */

static bool env_random(void *ctx, void *p, size_t n)
{
	struct node *node = ctx;

	if (node->publish_depth != 0)
		sim_fail(node->sim, "node %u: random inside a publication", node->id);
	rng_bytes(&node->entropy, p, n);
	if (n == 32) {
		struct draw *d = &node->draws[node->n_draws++ % DRAWS_KEPT];
		memcpy(d->b.b, p, 32);
		d->have_pub = false;
	}
	return true;
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct node *node = ctx;

	sim_wall(node->sim, node, unix_s, ns);
}

static void env_publish_begin(void *ctx)
{
	struct node *node = ctx;

	if (node->in_data_half)
		sim_fail(node->sim, "node %u: publish_begin in the data half", node->id);
	if (node->publish_depth++ != 0)
		sim_fail(node->sim, "node %u: publish_begin twice", node->id);
}

static void env_publish_end(void *ctx)
{
	struct node *node = ctx;

	if (node->publish_depth-- != 1)
		sim_fail(node->sim, "node %u: publish_end without begin", node->id);
}

/* ---- the types of the library ---- */

struct wgproto_endpoint endpoint_to_lib(const struct ip_endpoint *e)
{
	struct wgproto_endpoint out = {.addr = {.family = e->addr.family}, .port = e->port, .scope = e->scope};

	memcpy(out.addr.b, e->addr.b, sizeof out.addr.b);
	return out;
}

struct ip_endpoint endpoint_from_lib(const struct wgproto_endpoint *e)
{
	struct ip_endpoint out = {.addr = {.family = e->addr.family}, .port = e->port, .scope = e->scope};

	memcpy(out.addr.b, e->addr.b, sizeof out.addr.b);
	return out;
}

struct wgproto_path path_to(const struct ip_endpoint *remote)
{
	return (struct wgproto_path){.remote = endpoint_to_lib(remote)};
}

/* ---- power on and off ---- */

void host_must(const struct node *n, enum wgproto_result result)
{
	const char *why = wgproto_broken_text(n->tunnel);

	if (result != WGPROTO_OK)
		sim_fail(n->sim, "node %u: %s%s%s", n->id, wgproto_result_text(result), why ? ": " : "", why ? why : "");
}

void host_set_key(struct node *n, const struct wg_private *key)
{
	host_must(n, wgproto_set_private_key(n->tunnel, key->b, KEY_BYTES));
}

void host_apply_peer(struct sim *s, struct node *n, unsigned int peer)
{
	struct peer_conf *c = &n->conf[peer];
	const uint8_t *key = c->key.b;
	struct wgproto_endpoint endpoint = endpoint_to_lib(&c->endpoint);

	if (!n->tunnel || !c->present)
		return;
	host_enter(n);
	enum wgproto_result result = wgproto_peer_add(n->tunnel, key, KEY_BYTES);
	host_must(n, result == WGPROTO_EXISTS ? WGPROTO_OK : result);
	host_must(n, wgproto_peer_set_psk(n->tunnel, key, KEY_BYTES, c->psk.b, KEY_BYTES));
	if (c->endpoint.addr.family != IP_NONE)
		host_must(n, wgproto_peer_set_endpoint(n->tunnel, key, KEY_BYTES, &endpoint));
	for (unsigned int i = 0; i < c->n_routes; i++) {
		struct wgproto_prefix prefix = {.addr = {.family = c->routes[i].addr.family}, .bits = c->routes[i].bits};
		memcpy(prefix.addr.b, c->routes[i].addr.b, sizeof prefix.addr.b);
		host_must(n, wgproto_allow(n->tunnel, key, KEY_BYTES, &prefix));
	}
	host_must(n, wgproto_peer_set_keepalive(n->tunnel, host_now(n), key, KEY_BYTES, c->keepalive_s));
	host_must(n, wgproto_peer_flush(n->tunnel, key, KEY_BYTES));
	host_leave(n);
	host_drain(s, n);
}

void host_boot(struct sim *s, struct node *n)
{
	const struct wgproto_env env = {
		.size = sizeof env,
		.ctx = n,
		.random = env_random,
		.realtime = env_realtime,
		.publish_begin = env_publish_begin,
		.publish_end = env_publish_end,
		.cpu = getenv("WG_CPU"),
	};

	host_enter(n);
	host_must(n, wgproto_new(&n->tunnel, &env));
	host_set_key(n, &n->private_key);
	host_must(n, wgproto_set_mtu(n->tunnel, n->mtu));
	host_leave(n);
	for (unsigned int i = 0; i < s->n_nodes; i++)
		host_apply_peer(s, n, i);
	if (n->up) {
		host_enter(n);
		host_must(n, wgproto_up(n->tunnel, host_now(n)));
		host_leave(n);
		host_drain(s, n);
	}
}

void host_off(struct sim *s, struct node *n)
{
	if (!n->tunnel)
		return;
	host_enter(n);
	wgproto_free(n->tunnel);
	host_leave(n);
	n->tunnel = NULL;
	if (memory_blocks(n->id + 1) != 0)
		sim_fail(s, "node %u: %zu memory blocks leaked", n->id,
			 memory_blocks(n->id + 1));
	for (unsigned int i = 0; i < s->n_nodes; i++)
		tap_reset_pair(s, n->id, i, true);
}

/* ---- output ---- */

static void observe(struct sim *s, const struct message *m)
{
	if (s->n_observations == s->cap_observations) {
		s->cap_observations = s->cap_observations ? s->cap_observations * 2 : 256;
		s->observations = realloc(s->observations, s->cap_observations * sizeof *s->observations);
		if (!s->observations)
			abort();
	}
	s->observations[s->n_observations++] =
		(struct observation){s->now, m->from, m->to, m->type, m->empty, m->n};
	if (getenv("SIM_TRACE"))
		fprintf(stderr, "%13.6f  %u > %d  type %u, %u bytes, session %d, counter %llu\n",
			(double)s->now / 1e9, m->from, m->to, m->type, m->n, m->session,
			(unsigned long long)m->counter);
}

static void output(struct sim *s, struct node *n, const struct wgproto_packet *p)
{
	struct message *m = message_new(n->id, p->dst, p->dst_bytes, p->tos);

	if (p->path.remote.addr.family == IP_NONE)
		sim_fail(s, "node %u sends to no address", n->id);
	tap_sent(s, n, m);
	observe(s, m);
	n->sent[m->type]++;
	n->sent_keepalives += m->empty;
	n->sent_bytes += m->n;
	n->last_sent_ns = s->now;
	wire_send(s, n, &p->path, m);
	message_put(m);
}

static void to_tun(struct sim *s, struct node *n, const uint8_t *p, size_t size,
		   const struct datagram *d)
{
	n->delivered++;
	n->delivered_bytes += size;
	for (unsigned int i = 0; i < s->n_nodes && size > 28 && p[0] >> 4 == 4; i++) {
		struct node *carried = &s->nodes[i];
		if (carried->carrier != (int)n->id || p[9] != 17 ||
		    load_be16(p + 22) != carried->v4.port)
			continue;
		struct ip_endpoint src = {.addr = ip_v4(p + 12), .port = load_be16(p + 20)};
		struct message *m = sim_recent_like(s, p + 28, size - 28);
		sim_inject(s, &src, &carried->v4, p + 28, size - 28, m, !m);
		return;
	}
	ledger_delivered(s, n->id, p, size, d->tos, d->altered || !d->msg);
	uint64_t serial;
	size_t padding;
	bool ce;
	if (n->forward && ledger_identify(s, p, size, &serial, &padding, &ce) &&
	    s->ledger.entries[serial].to != n->id)
		host_push(s, n, &p, &size, 1, NULL);
}

void host_drain(struct sim *s, struct node *n)
{
	struct wgproto_packet out = {.dst = s->drain_buffer, .dst_space = WGPROTO_DATAGRAM_MAX};

	for (unsigned int i = 0; n->tunnel; i++) {
		host_enter(n);
		enum wgproto_result result = wgproto_next(n->tunnel, host_now(n), &out);
		host_leave(n);
		if (result == WGPROTO_END)
			return;
		host_must(n, result);
		if (out.action != WGPROTO_SEND || out.dst_bytes > WGPROTO_DATAGRAM_MAX)
			sim_fail(s, "node %u: next with action %u", n->id, out.action);
		if (i > 100000)
			sim_fail(s, "node %u: next never ends", n->id);
		output(s, n, &out);
	}
}

/* ---- input ---- */

/* Heap blocks of exactly the documented size, in place or separate at random, so that a sanitizer sees
 * overruns. */
struct buffers {
	uint8_t *src_block, *dst_block;
};

static void buffers_for_seal(struct sim *s, struct wgproto_packet *b, struct buffers *r, const uint8_t *p,
			  size_t n)
{
	bool in_place = rng_below(&s->wire, 2);

	r->dst_block = malloc(WGPROTO_SEALED_BYTES(n));
	r->src_block = in_place ? NULL : malloc(n ? n : 1);
	if (!r->dst_block || (!in_place && !r->src_block))
		abort();
	uint8_t *src = in_place ? r->dst_block + 16 : r->src_block;
	memcpy(src, p, n);
	*b = (struct wgproto_packet){
		.src = src, .src_bytes = n, .dst = r->dst_block, .dst_space = WGPROTO_SEALED_BYTES(n)};
}

static void buffers_for_open(struct sim *s, struct wgproto_packet *b, struct buffers *r, const struct datagram *d)
{
	bool in_place = d->n >= 16 && rng_below(&s->wire, 2);

	r->src_block = malloc(d->n ? d->n : 1);
	r->dst_block = in_place ? NULL : malloc(d->n > 16 ? d->n - 16 : 1);
	if (!r->src_block || (!in_place && !r->dst_block))
		abort();
	memcpy(r->src_block, d->bytes, d->n);
	*b = (struct wgproto_packet){.src = r->src_block,
				     .src_bytes = d->n,
				     .dst = in_place ? r->src_block + 16 : r->dst_block,
				     .dst_space = d->n > 16 ? d->n - 16 : 0,
				     .tos = d->tos};
}

static void buffers_free(struct buffers *r)
{
	free(r->src_block);
	free(r->dst_block);
}

void host_push(struct sim *s, struct node *n, const uint8_t *const *packets, const size_t *sizes,
	       size_t count, struct wgproto_packet *seen)
{
	struct wgproto_packet bufs[BATCH_MAX];
	struct buffers buffers[BATCH_MAX];

	if (!n->tunnel)
		return;
	for (size_t i = 0; i < count; i++)
		buffers_for_seal(s, &bufs[i], &buffers[i], packets[i], sizes[i]);
	host_enter(n);
	memory_ban(true);
	n->in_data_half = true;
	host_must(n, wgproto_seal(n->tunnel, host_now(n), bufs, count));
	n->in_data_half = false;
	memory_ban(false);
	host_leave(n);
	for (size_t i = 0; i < count; i++) {
		if (bufs[i].action == WGPROTO_DELIVER || bufs[i].action > WGPROTO_CONTROL)
			sim_fail(s, "node %u: seal with action %u", n->id, bufs[i].action);
		if (bufs[i].action == WGPROTO_SEND)
			output(s, n, &bufs[i]);
		if (seen)
			seen[i] = bufs[i];
	}
	host_enter(n);
	host_must(n, wgproto_control_packets(n->tunnel, host_now(n), bufs, count));
	host_leave(n);
	for (size_t i = 0; i < count; i++) {
		if (bufs[i].action == WGPROTO_CONTROL)
			sim_fail(s, "node %u: control leaves an action open", n->id);
		buffers_free(&buffers[i]);
	}
	host_drain(s, n);
}

static void puppet_receive(struct node *n, const struct datagram *d, const struct ip_endpoint *src)
{
	unsigned int at = n->n_inbox++ % INBOX_KEPT;

	n->inbox[at].from = *src;
	n->inbox[at].n = d->n < sizeof n->inbox[at].bytes ? d->n : sizeof n->inbox[at].bytes;
	memcpy(n->inbox[at].bytes, d->bytes, n->inbox[at].n);
}

void host_receive(struct sim *s, struct node *n, const struct datagram *d,
		  const struct ip_endpoint *src, const struct ip_endpoint *dst)
{
	struct wgproto_packet p;
	struct buffers buffers;
	struct wgproto_endpoint to = endpoint_to_lib(dst);

	if (!n->tunnel) {
		puppet_receive(n, d, src);
		return;
	}
	buffers_for_open(s, &p, &buffers, d);
	p.path = (struct wgproto_path){.remote = endpoint_to_lib(src), .ifindex = 2};
	if (src->addr.family == dst->addr.family) /* an adversary invents other pairs, which no socket receives */
		p.path.local = to.addr;
	tap_before_receive(s, n, d);
	host_enter(n);
	memory_ban(true);
	n->in_data_half = true;
	host_must(n, wgproto_open(n->tunnel, host_now(n), &p, 1));
	n->in_data_half = false;
	memory_ban(false);
	host_leave(n);
	uint8_t action = p.action;
	if (action == WGPROTO_DELIVER && p.dst_bytes + 32 > d->n)
		sim_fail(s, "node %u: %zu bytes out of %u", n->id, p.dst_bytes, d->n);
	if (action == WGPROTO_DELIVER)
		to_tun(s, n, p.dst, p.dst_bytes, d);
	host_enter(n);
	host_must(n, wgproto_control_datagrams(n->tunnel, host_now(n), &p, 1, n->under_load));
	host_leave(n);
	if (action == WGPROTO_CONTROL && p.action != WGPROTO_DONE)
		sim_fail(s, "node %u: control leaves an action open", n->id);
	if (getenv("SIM_TRACE"))
		fprintf(stderr, "%13.6f      %u < %d  %u bytes%s: %s\n", (double)s->now / 1e9,
			n->id, d->msg ? (int)d->msg->from : -1, d->n, d->altered ? ", altered" : "",
			wgproto_drop_text((enum wgproto_drop)p.drop));
	host_drain(s, n);
	tap_after_receive(s, n, d);
	buffers_free(&buffers);
}

uint64_t host_deadline(struct node *n)
{
	if (!n->tunnel)
		return NEVER;
	host_enter(n);
	uint64_t at = wgproto_deadline(n->tunnel);
	host_leave(n);
	if (at == NEVER)
		return NEVER;
	at = (at > n->boot_ns ? at - n->boot_ns : 0) + n->slack_now_ns;
	return at > n->sim->now ? at : n->sim->now;
}

void host_tick(struct sim *s, struct node *n)
{
	n->ticks++;
	host_enter(n);
	host_must(n, wgproto_tick(n->tunnel, host_now(n)));
	host_leave(n);
	n->slack_now_ns = rng_below(&s->wire, n->slack_ns + 1);
	host_drain(s, n);
}
