/* The program around a tunnel: passes batches in, acts on verdicts, and checks the contract of tunnel.h. */
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

static void env_random(void *ctx, void *p, size_t n)
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

/* ---- power on and off ---- */

void host_apply_peer(struct sim *s, struct node *n, unsigned int peer)
{
	struct peer_conf *c = &n->conf[peer];
	struct wg_tunnel_peer *p;

	if (!n->tunnel || !c->present)
		return;
	host_enter(n);
	int rc = tunnel_peer_add(&p, n->tunnel, &c->key);
	if (rc == 0 || rc == -17 /* EEXIST */) {
		tunnel_peer_set_psk(n->tunnel, p, &c->psk);
		if (c->endpoint.addr.family != IP_NONE)
			tunnel_peer_set_endpoint(n->tunnel, p, &c->endpoint);
		for (unsigned int i = 0; i < c->n_routes; i++)
			rc = tunnel_route_add(n->tunnel, p, &c->routes[i]) ? -12 : rc;
		tunnel_peer_set_keepalive(n->tunnel, host_now(n), p, c->keepalive_s);
		tunnel_peer_flush(n->tunnel, p);
	}
	host_leave(n);
	if (rc != 0 && rc != -17)
		sim_fail(s, "node %u: no peer %u: %d", n->id, peer, rc);
	host_drain(s, n);
}

void host_boot(struct sim *s, struct node *n)
{
	static const struct wg_env model = { .random = env_random, .realtime = env_realtime,
					     .publish_begin = env_publish_begin, .publish_end = env_publish_end };
	struct wg_env env = model;

	env.ctx = n;
	host_enter(n);
	n->tunnel = tunnel_new(&env);
	if (!n->tunnel) {
		host_leave(n);
		sim_fail(s, "node %u: no tunnel", n->id);
		return;
	}
	tunnel_set_private_key(n->tunnel, &n->private_key);
	tunnel_set_mtu(n->tunnel, n->mtu);
	host_leave(n);
	for (unsigned int i = 0; i < s->n_nodes; i++)
		host_apply_peer(s, n, i);
	if (n->up) {
		host_enter(n);
		tunnel_up(n->tunnel, host_now(n));
		host_leave(n);
		host_drain(s, n);
	}
}

void host_off(struct sim *s, struct node *n)
{
	if (!n->tunnel)
		return;
	host_enter(n);
	tunnel_free(n->tunnel);
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

static void output(struct sim *s, struct node *n, const struct wg_buf *b,
		   const struct wg_path *path)
{
	struct message *m = message_new(n->id, b->dst, b->out_n, b->tos);

	if (path->remote.addr.family == IP_NONE)
		sim_fail(s, "node %u sends to no address", n->id);
	tap_sent(s, n, m);
	observe(s, m);
	n->sent[m->type]++;
	n->sent_keepalives += m->empty;
	n->sent_bytes += m->n;
	n->last_sent_ns = s->now;
	wire_send(s, n, path, m);
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
	struct wg_buf out = {.dst = s->drain_buffer};
	struct wg_path path;

	for (unsigned int i = 0; n->tunnel; i++) {
		memset(&path, 0, sizeof path);
		host_enter(n);
		bool more = tunnel_control_next(n->tunnel, host_now(n), &out, &path);
		host_leave(n);
		if (!more)
			return;
		if (out.verdict != WG_TO_UDP || out.out_n > WG_DATAGRAM_MAX)
			sim_fail(s, "node %u: control_next with verdict %u", n->id, out.verdict);
		if (i > 100000)
			sim_fail(s, "node %u: control_next never ends", n->id);
		output(s, n, &out, &path);
	}
}

/* ---- input ---- */

/* Heap blocks of exactly the documented size, in place or separate at random, so that a sanitizer sees
 * overruns. */
struct buffers {
	uint8_t *src_block, *dst_block;
};

static void buffers_for_seal(struct sim *s, struct wg_buf *b, struct buffers *r, const uint8_t *p,
			  size_t n)
{
	bool in_place = rng_below(&s->wire, 2);

	r->dst_block = malloc(n + 15 + WG_OVERHEAD);
	r->src_block = in_place ? NULL : malloc(n ? n : 1);
	if (!r->dst_block || (!in_place && !r->src_block))
		abort();
	uint8_t *src = in_place ? r->dst_block + 16 : r->src_block;
	memcpy(src, p, n);
	*b = (struct wg_buf){.src = src, .dst = r->dst_block, .n = (uint32_t)n};
}

static void buffers_for_open(struct sim *s, struct wg_buf *b, struct buffers *r, const struct datagram *d)
{
	bool in_place = d->n >= 16 && rng_below(&s->wire, 2);

	r->src_block = malloc(d->n ? d->n : 1);
	r->dst_block = in_place ? NULL : malloc(d->n > 16 ? d->n - 16 : 1);
	if (!r->src_block || (!in_place && !r->dst_block))
		abort();
	memcpy(r->src_block, d->bytes, d->n);
	*b = (struct wg_buf){.src = r->src_block,
			     .dst = in_place ? r->src_block + 16 : r->dst_block,
			     .n = d->n,
			     .tos = d->tos};
}

static void buffers_free(struct buffers *r)
{
	free(r->src_block);
	free(r->dst_block);
}

void host_push(struct sim *s, struct node *n, const uint8_t *const *packets, const size_t *sizes,
	       size_t count, struct wg_buf *seen)
{
	struct wg_buf bufs[BATCH_MAX];
	struct buffers buffers[BATCH_MAX];
	struct wg_path paths[BATCH_MAX];
	struct wg_batch b = {bufs, count, paths, 0};

	if (!n->tunnel)
		return;
	memset(paths, 0, sizeof paths);
	for (size_t i = 0; i < count; i++)
		buffers_for_seal(s, &bufs[i], &buffers[i], packets[i], sizes[i]);
	host_enter(n);
	memory_ban(true);
	n->in_data_half = true;
	tunnel_seal(n->tunnel, host_now(n), &b);
	n->in_data_half = false;
	memory_ban(false);
	host_leave(n);
	for (size_t i = 0; i < count; i++) {
		if (bufs[i].verdict == WG_TO_TUN || bufs[i].verdict > WG_CONTROL)
			sim_fail(s, "node %u: seal with verdict %u", n->id, bufs[i].verdict);
		if (bufs[i].verdict == WG_TO_UDP && bufs[i].path >= b.n_paths)
			sim_fail(s, "node %u: seal with path %u of %zu", n->id, bufs[i].path,
				 b.n_paths);
		if (bufs[i].verdict == WG_TO_UDP)
			output(s, n, &bufs[i], &paths[bufs[i].path]);
		if (seen)
			seen[i] = bufs[i];
	}
	host_enter(n);
	tunnel_control_tun(n->tunnel, host_now(n), &b);
	host_leave(n);
	for (size_t i = 0; i < count; i++) {
		if (bufs[i].verdict == WG_CONTROL)
			sim_fail(s, "node %u: control leaves a verdict open", n->id);
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
	struct wg_buf buf;
	struct buffers buffers;
	struct wg_path path = {.remote = *src, .local = dst->addr, .ifindex = 2};
	struct wg_batch b = {&buf, 1, &path, 1};

	if (!n->tunnel) {
		puppet_receive(n, d, src);
		return;
	}
	buffers_for_open(s, &buf, &buffers, d);
	tap_before_receive(s, n, d);
	host_enter(n);
	memory_ban(true);
	n->in_data_half = true;
	tunnel_open(n->tunnel, host_now(n), &b);
	n->in_data_half = false;
	memory_ban(false);
	host_leave(n);
	uint8_t verdict = buf.verdict;
	if (verdict == WG_TO_TUN && buf.out_n + 32 > d->n)
		sim_fail(s, "node %u: %u bytes out of %u", n->id, buf.out_n, d->n);
	if (verdict == WG_TO_TUN)
		to_tun(s, n, buf.dst, buf.out_n, d);
	host_enter(n);
	tunnel_control_udp(n->tunnel, host_now(n), &b, n->under_load);
	host_leave(n);
	if (verdict == WG_CONTROL && buf.verdict != WG_DONE)
		sim_fail(s, "node %u: control leaves a verdict open", n->id);
	if (getenv("SIM_TRACE"))
		fprintf(stderr, "%13.6f      %u < %d  %u bytes%s: %s\n", (double)s->now / 1e9,
			n->id, d->msg ? (int)d->msg->from : -1, d->n, d->altered ? ", altered" : "",
			wg_drop_text(buf.drop));
	host_drain(s, n);
	tap_after_receive(s, n, d);
	buffers_free(&buffers);
}

uint64_t host_deadline(struct node *n)
{
	if (!n->tunnel)
		return NEVER;
	host_enter(n);
	uint64_t at = tunnel_deadline(n->tunnel);
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
	tunnel_tick(n->tunnel, host_now(n));
	host_leave(n);
	n->slack_now_ns = rng_below(&s->wire, n->slack_ns + 1);
	host_drain(s, n);
}
