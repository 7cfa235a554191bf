/* Handshakes and cookies as the control half sees them: what comes in, and the responder. Messages are refused
 * in the order of what it costs to find out; the Diffie-Hellmans of many initiations are computed together. */
#include "tunnel_state.h"

#include <stdlib.h>

#include "base/mem.h"

#define ACCEPT_INTERVAL_NS (NS_PER_S / 50) /* INITIATIONS_PER_SECOND of one peer */
#define GIVE_WAY_NS NS_PER_S                 /* longer than the jitter and a long way */

enum { HANDSHAKE_TOS = 0x88 }; /* DSCP AF41 */

struct datagram *outbox_add(struct wg_tunnel *t)
{
	struct outbox *o = &t->outbox;

	if (o->n == o->cap) {
		uint32_t cap = o->cap ? o->cap * 2 : 16;
		struct datagram *all = realloc(o->all, cap * sizeof *all);

		if (!all)
			return NULL;
		o->all = all;
		o->cap = cap;
	}
	return &o->all[o->n++];
}

bool send_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
		    const void *msg, uint32_t n)
{
	struct datagram *d = outbox_add(t);

	if (!d)
		return false;
	d->peer = p;
	d->n = n;
	d->tos = HANDSHAKE_TOS;
	memcpy(d->bytes, msg, n);
	cookie_add_macs(&p->cookie, now_ns, d->bytes, n, &p->key);
	peer_path(p, &d->path);
	d->path.tx_index = load_le32(d->bytes + 4); /* sender */
	count_bytes(&p->tx_bytes, n);
	timers_sent(&p->timers, now_ns, false);
	atomic_store(&p->may_initiate_ns, now_ns + REKEY_TIMEOUT_NS);
	return true;
}

uint64_t random_jitter_ns(struct wg_tunnel *t)
{
	uint8_t b[4];

	t->env.random(t->env.ctx, b, sizeof b);
	return (load_le32(b) * JITTER_MAX_NS) >> 32;
}

void random_private(struct wg_tunnel *t, struct wg_private *out)
{
	t->env.random(t->env.ctx, out, sizeof *out);
	x25519_clamp(out);
}

uint32_t new_index(struct wg_tunnel *t)
{
	uint8_t b[4];

	do
		t->env.random(t->env.ctx, b, sizeof b);
	while (index_find(&t->indices, load_le32(b)));
	return load_le32(b);
}

size_t peer_static_job(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		       struct x25519_job *job)
{
	if (p->has_ss)
		return 0;
	job->key = t->identity.key;
	job->u = p->key;
	return 1;
}

void peer_static_take(struct wg_tunnel_peer *p, const struct x25519_job *job)
{
	p->ss = job->out;
	p->has_ss = true;
}

/* ---- responder ---- */

struct answer {
	struct wg_buf *buf;
	const struct msg_initiation *m;
	const struct wg_path *from;
	struct wg_tunnel_peer *peer; /* null: dropped */
	struct noise_opened opened;
	struct noise_accepted accepted;
	struct wg_private e;
};

struct chunk { /* messages of right mac1, taken together */
	struct responses responses;
	struct answer answers[HANDSHAKE_CHUNK];
	struct x25519_job jobs[HANDSHAKE_CHUNK * NOISE_ANSWER_JOBS];
	size_t n; /* answers */
};

static void refuse(struct wg_tunnel *t, struct answer *a, enum wg_drop why)
{
	a->peer = NULL;
	count_drop(t, a->buf, why);
}

/* What peers met for the first time need: one DH each. */
static void know_all(struct wg_tunnel *t, struct chunk *c)
{
	struct wg_tunnel_peer *peers[HANDSHAKE_CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		peers[n] = c->answers[i].peer;
		if (peers[n])
			n += peer_static_job(t, peers[n], &c->jobs[n]);
	}
	x25519_batch(c->jobs, n);
	for (size_t i = 0; i < n; i++)
		peer_static_take(peers[i], &c->jobs[i]);
}

/* Who are they? One DH each. */
static void open_all(struct wg_tunnel *t, struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++)
		noise_open_job(&c->jobs[i], &t->identity, c->answers[i].m);
	x25519_batch(c->jobs, c->n);
	for (size_t i = 0; i < c->n; i++) {
		struct answer *a = &c->answers[i];

		if (!noise_open(&a->opened, &t->identity, a->m, &c->jobs[i])) {
			refuse(t, a, WG_DROP_HANDSHAKE);
			continue;
		}
		a->peer = tunnel_peer_find(t, &a->opened.peer);
		if (!a->peer)
			refuse(t, a, WG_DROP_UNKNOWN_PEER);
	}
}

/* Both initiated at once: both answer, and neither attempt comes to anything. Jitter alone would let
 * retries on a long way meet again; the one with the lesser key leaves the next try to the other. */
static void give_way(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	if (p->is_pending && p->timers.retransmit_at_ns != NEVER &&
	    memcmp(&t->identity.pub, &p->key, sizeof p->key) < 0)
		timers_initiation_sent(&p->timers, now_ns + GIVE_WAY_NS, random_jitter_ns(t));
}

/* Is it them, and is it news? From here on the initiation counts. */
static void accept_one(struct wg_tunnel *t, uint64_t now_ns, struct answer *a)
{
	struct wg_tunnel_peer *p = a->peer;

	switch (noise_accept(&a->accepted, &a->opened, &p->ss, p->latest_timestamp)) {
	case NOISE_BAD:
		refuse(t, a, WG_DROP_HANDSHAKE);
		return;
	case NOISE_REPLAY:
		refuse(t, a, WG_DROP_HANDSHAKE_REPLAY);
		return;
	case NOISE_OK:
		break;
	}
	if (now_ns < p->may_accept_ns) {
		refuse(t, a, WG_DROP_FLOOD);
		return;
	}
	p->may_accept_ns = now_ns + ACCEPT_INTERVAL_NS;
	memcpy(p->latest_timestamp, a->accepted.timestamp, TAI64N_BYTES);
	give_way(t, now_ns, p);
	peer_wipe_handshake(t, p); /* ours is overtaken: its answer is not accepted any more */
	peer_set_path(p, a->from);
	count_bytes(&p->rx_bytes, sizeof *a->m);
	timers_received(&p->timers, now_ns, false);
	random_private(t, &a->e);
}

static void answer_one(struct wg_tunnel *t, uint64_t now_ns, struct answer *a,
		       const struct x25519_job jobs[NOISE_ANSWER_JOBS])
{
	struct wg_tunnel_peer *p = a->peer;
	struct msg_response m;
	struct wg_keypair keys;

	if (!noise_answer(&keys, &m, &a->accepted, &p->psk, new_index(t), jobs))
		refuse(t, a, WG_DROP_HANDSHAKE);
	else if (!peer_begin_session(t, now_ns, p, &keys))
		refuse(t, a, WG_DROP_NO_MEMORY);
	else if (!send_handshake(t, now_ns, p, &m, sizeof m))
		refuse(t, a, WG_DROP_NO_MEMORY);
	peer_rearm(t, p);
	mem_wipe(&keys, sizeof keys);
}

static void answer_all(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c)
{
	size_t n = 0;

	open_all(t, c);
	know_all(t, c);
	for (size_t i = 0; i < c->n; i++) {
		struct answer *a = &c->answers[i];

		if (a->peer)
			accept_one(t, now_ns, a);
		if (a->peer)
			noise_answer_jobs(&c->jobs[NOISE_ANSWER_JOBS * n++], &a->e, &a->accepted);
	}
	x25519_batch(c->jobs, NOISE_ANSWER_JOBS * n);
	n = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct answer *a = &c->answers[i];

		if (a->peer)
			answer_one(t, now_ns, a, &c->jobs[NOISE_ANSWER_JOBS * n++]);
	}
	mem_wipe(c, sizeof *c);
}

/* ---- in ---- */

static enum wg_drop take_cookie(struct wg_tunnel *t, uint64_t now_ns, const struct msg_cookie *m)
{
	const struct index_slot *slot = index_find(&t->indices, load_le32(m->receiver));
	struct wg_tunnel_peer *p = NULL;

	if (slot && slot->kind == INDEX_HANDSHAKE)
		p = slot->what;
	else if (slot)
		p = ((struct wg_session *)slot->what)->peer;
	if (!p || !cookie_take(&p->cookie, now_ns, m, &p->key))
		return WG_DROP_COOKIE;
	return WG_DROP_NONE;
}

/* Responses first: an initiation of the same peer would overtake what they answer. */
static void settle(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c)
{
	responses_take(t, now_ns, &c->responses);
	if (c->n > 0)
		answer_all(t, now_ns, c);
}

static void take_all(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c, struct arrivals *a,
		     bool under_load)
{
	arrivals_admit(t, now_ns, a, under_load);
	for (size_t i = 0; i < a->n; i++) {
		const struct arrival *arrival = &a->all[i];

		if (arrival->msg.type == MSG_RESPONSE)
			c->responses.all[c->responses.n++] =
				(struct response){ .buf = arrival->buf,
						   .m = arrival->msg.response,
						   .from = arrival->from };
		else
			c->answers[c->n++] = (struct answer){ .buf = arrival->buf,
							      .m = arrival->msg.initiation,
							      .from = arrival->from };
		if (c->n == HANDSHAKE_CHUNK || c->responses.n == HANDSHAKE_CHUNK)
			settle(t, now_ns, c);
	}
	a->n = 0;
}

static enum wg_drop sort(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a,
			 struct wg_buf *buf, const struct wg_path *from)
{
	struct wg_msg msg;

	if (!t->is_up || !t->has_identity)
		return WG_DROP_DOWN;
	if (!msg_parse(&msg, buf->src, buf->n))
		return WG_DROP_MALFORMED;
	switch (msg.type) {
	case MSG_COOKIE:
		return take_cookie(t, now_ns, msg.cookie);
	case MSG_RESPONSE:
	case MSG_INITIATION:
		a->cases[a->n] = (struct cookie_case){ .msg = buf->src, .n = buf->n,
						       .from = &from->remote };
		a->all[a->n++] = (struct arrival){ .buf = buf, .msg = msg, .from = from };
		return WG_DROP_NONE;
	case MSG_DATA:
		return WG_DROP_MALFORMED; /* not for this half */
	}
	unreachable();
}

void tunnel_control_udp(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, bool under_load)
{
	struct arrivals a;
	struct chunk c;

	a.n = c.n = c.responses.n = 0;
	tunnel_drain_poked(t, now_ns);
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		enum wg_drop why;

		if (buf->verdict != WG_CONTROL)
			continue;
		buf->verdict = WG_DONE;
		buf->drop = WG_DROP_NONE;
		why = sort(t, now_ns, &a, buf, &b->paths[buf->path]);
		if (why != WG_DROP_NONE)
			count_drop(t, buf, why);
		if (a.n == COOKIE_CASES_MAX)
			take_all(t, now_ns, &c, &a, under_load);
	}
	if (a.n > 0)
		take_all(t, now_ns, &c, &a, under_load);
	settle(t, now_ns, &c);
}
