/* Received handshake messages and cookie replies, and the responder's side of handshakes (whitepaper
 * sections 5.4.2, 5.4.3 and 5.4.7). Cheap checks come before expensive ones, and the X25519 of up to
 * HANDSHAKE_CHUNK initiations is computed in batches. */
#include "tunnel_state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

#define ACCEPT_INTERVAL_NS (NS_PER_S / 50) /* initiations per second of one peer, as in the Linux kernel */
#define RETRY_DEFER_NS NS_PER_S            /* longer than the jitter and a slow round trip */

enum { HANDSHAKE_TOS = 0x88 }; /* DSCP AF41, as in the Linux kernel */
enum { INDEX_DRAWS_MAX = 100 }; /* random ones are never all in use */

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
	assert(o->n < o->cap);
	return &o->all[o->n++];
}

bool send_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
		    const void *msg, uint32_t n)
{
	struct datagram *d = outbox_add(t);

	if (!d)
		return false;
	d->peer = p;
	d->earlier = p->outbox_at;
	p->outbox_at = t->outbox.n - 1;
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

static void multiply(void *jobs, size_t first, size_t n)
{
	x25519_batch((struct x25519_job *)jobs + first, n);
}

void multiply_all(struct wg_tunnel *t, struct x25519_job *jobs, size_t n)
{
	if (t->env.parallel && n > 0)
		t->env.parallel(t->env.ctx, multiply, jobs, n);
	else
		x25519_batch(jobs, n);
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

static bool is_drawn(const struct wg_tunnel *t, uint32_t index)
{
	for (size_t i = 0; i < t->n_drawn; i++)
		if (t->drawn[i] == index)
			return true;
	return false;
}

/* Sessions follow each other in one part, also if their number changes, so that packets do not overtake each other. */
static uint32_t shard_of(const struct wg_tunnel_peer *p, uint32_t n)
{
	const struct wg_session *s = p->sessions.current ? p->sessions.current : p->sessions.next;

	return s ? wg_shard_of(s->local, n) : p->shard % n;
}

/* The remainder of the division by the number of parts is replaced by that of the peer, which leaves the others of its
 * indices equally likely: those above the last multiple are drawn again. */
static bool draw_index(struct wg_tunnel *t, const struct wg_tunnel_peer *p, uint8_t b[4])
{
	uint32_t n = t->n_shards ? t->n_shards : 1, excess = (UINT32_MAX % n + 1) % n, v;

	t->env.random(t->env.ctx, b, 4);
	v = load_be32(b);
	if (v > UINT32_MAX - excess)
		return false;
	store_be32(b, v - v % n + shard_of(p, n));
	return true;
}

uint32_t new_index(struct wg_tunnel *t, const struct wg_tunnel_peer *p)
{
	unsigned int left = INDEX_DRAWS_MAX;
	uint8_t b[4];

	while (!draw_index(t, p, b) || index_find(&t->indices, load_le32(b)) || is_drawn(t, load_le32(b))) {
		left--;
		assert(left > 0); /* no random bytes, such as the same ones each time */
	}
	assert(t->n_drawn < HANDSHAKE_CHUNK);
	t->drawn[t->n_drawn++] = load_le32(b);
	return load_le32(b);
}

void tunnel_set_shards(struct wg_tunnel *t, uint32_t n)
{
	assert(n > 0);
	t->n_shards = n;
}

size_t static_dh_job(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		     struct x25519_job *job)
{
	if (p->has_ss)
		return 0;
	job->key = t->identity.key;
	job->u = p->key;
	return 1;
}

void static_dh_store(struct wg_tunnel_peer *p, const struct x25519_job *job)
{
	p->ss = job->out;
	p->has_ss = true;
}

/* ---- responder ---- */

struct initiation { /* a received one, and what the steps of the handshake add */
	struct wg_buf *buf;
	const struct msg_initiation *m;
	const struct wg_path *from;
	struct wg_tunnel_peer *peer; /* null: dropped */
	struct noise_opened opened;
	struct noise_accepted accepted;
	struct wg_private e;
};

struct chunk { /* admitted messages that are handled together */
	struct responses responses;
	struct initiation initiations[HANDSHAKE_CHUNK];
	struct x25519_job jobs[HANDSHAKE_CHUNK * NOISE_RESPOND_JOBS];
	size_t n; /* initiations */
};

static void refuse(struct wg_tunnel *t, struct initiation *in, enum wg_drop why)
{
	in->peer = NULL;
	count_drop(t, in->buf, why);
}

/* Static-static X25519, for the peers whose result is not known yet. */
static void static_dh_all(struct wg_tunnel *t, struct chunk *c)
{
	struct wg_tunnel_peer *peers[HANDSHAKE_CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		peers[n] = c->initiations[i].peer;
		if (peers[n])
			n += static_dh_job(t, peers[n], &c->jobs[n]);
	}
	multiply_all(t, c->jobs, n);
	for (size_t i = 0; i < n; i++)
		static_dh_store(peers[i], &c->jobs[i]);
}

/* Decrypts the static public keys and finds their peers: one X25519 each. */
static void open_all(struct wg_tunnel *t, struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++)
		noise_open_job(&c->jobs[i], &t->identity, c->initiations[i].m);
	multiply_all(t, c->jobs, c->n);
	for (size_t i = 0; i < c->n; i++) {
		struct initiation *in = &c->initiations[i];

		if (!noise_open(&in->opened, &t->identity, in->m, &c->jobs[i])) {
			refuse(t, in, WG_DROP_HANDSHAKE);
			continue;
		}
		in->peer = tunnel_peer_find(t, &in->opened.peer);
		if (!in->peer)
			refuse(t, in, WG_DROP_UNKNOWN_PEER);
	}
}

/* Both sides initiated at the same time, and each response refers to an initiation that the other side
 * has given up. On a slow path, jitter alone could let the retries collide again: the side with the
 * smaller key retries later. */
static void defer_retry(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	if (p->is_pending && p->timers.retransmit_at_ns != NEVER &&
	    memcmp(&t->identity.pub, &p->key, sizeof p->key) < 0)
		timers_initiation_sent(&p->timers, now_ns + RETRY_DEFER_NS, random_jitter_ns(t));
}

/* Authenticates the initiation. If that succeeds, it changes the state of the peer; before, nothing does.
 */
static void accept_one(struct wg_tunnel *t, uint64_t now_ns, struct initiation *in)
{
	struct wg_tunnel_peer *p = in->peer;

	switch (noise_accept(&in->accepted, &in->opened, &p->ss, p->latest_timestamp)) {
	case NOISE_BAD:
		refuse(t, in, WG_DROP_HANDSHAKE);
		return;
	case NOISE_REPLAY:
		refuse(t, in, WG_DROP_HANDSHAKE_REPLAY);
		return;
	case NOISE_OK:
		break;
	}
	if (now_ns < p->may_accept_ns) {
		refuse(t, in, WG_DROP_FLOOD);
		return;
	}
	p->may_accept_ns = now_ns + ACCEPT_INTERVAL_NS;
	memcpy(p->latest_timestamp, in->accepted.timestamp, TAI64N_BYTES);
	defer_retry(t, now_ns, p);
	/* superseded: a response to our own initiation is no longer accepted */
	peer_wipe_handshake(t, p);
	peer_learn_path(p, in->from);
	count_bytes(&p->rx_bytes, sizeof *in->m);
	timers_received(&p->timers, now_ns, false);
	random_private(t, &in->e);
}

/* The session that answers the initiation, with the response in *m. Null: it was refused. */
static struct wg_session *respond_one(struct wg_tunnel *t, uint64_t now_ns, struct initiation *in,
				      struct msg_response *m,
				      const struct x25519_job jobs[NOISE_RESPOND_JOBS])
{
	struct wg_tunnel_peer *p = in->peer;
	struct wg_session *s = NULL;
	struct wg_keypair keys;

	if (!noise_respond(&keys, m, &in->accepted, &p->psk, new_index(t, p), jobs))
		refuse(t, in, WG_DROP_HANDSHAKE);
	else if (!(s = session_new(p, &keys, now_ns)))
		refuse(t, in, WG_DROP_HANDSHAKE_NO_MEMORY);
	if (!s)
		peer_rearm(t, p);
	mem_wipe(&keys, sizeof keys);
	return s;
}

/* Makes the sessions of the accepted initiations, all in one publication, and sends the responses. */
static void begin_and_respond(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c)
{
	struct msg_response messages[HANDSHAKE_CHUNK];
	struct wg_session *sessions[HANDSHAKE_CHUNK];
	struct initiation *answered[HANDSHAKE_CHUNK];
	size_t n = 0, n_jobs = 0;
	bool ok;

	t->n_drawn = 0;
	for (size_t i = 0; i < c->n; i++) {
		struct initiation *in = &c->initiations[i];

		if (!in->peer)
			continue;
		sessions[n] = respond_one(t, now_ns, in, &messages[n], &c->jobs[NOISE_RESPOND_JOBS * n_jobs++]);
		answered[n] = in;
		n += sessions[n] != NULL;
	}
	ok = n > 0 && tunnel_begin_sessions(t, now_ns, sessions, n);
	for (size_t i = 0; i < n; i++) {
		struct wg_tunnel_peer *p = answered[i]->peer;

		if (!ok || !send_handshake(t, now_ns, p, &messages[i], sizeof messages[i]))
			refuse(t, answered[i], WG_DROP_HANDSHAKE_NO_MEMORY);
		else
			count_event(t, WG_EVENT_INITIATION_RECEIVED, 1);
		peer_rearm(t, p);
	}
}

static void respond_all(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c)
{
	size_t n = 0;

	open_all(t, c);
	static_dh_all(t, c);
	for (size_t i = 0; i < c->n; i++) {
		struct initiation *in = &c->initiations[i];

		if (in->peer)
			accept_one(t, now_ns, in);
		if (in->peer)
			noise_respond_jobs(&c->jobs[NOISE_RESPOND_JOBS * n++], &in->e, &in->accepted);
	}
	multiply_all(t, c->jobs, NOISE_RESPOND_JOBS * n);
	begin_and_respond(t, now_ns, c);
	mem_wipe(c, sizeof *c);
}

/* ---- received messages ---- */

static enum wg_drop receive_cookie_reply(struct wg_tunnel *t, uint64_t now_ns, const struct msg_cookie *m)
{
	const struct index_slot *slot = index_find(&t->indices, load_le32(m->receiver));
	struct wg_tunnel_peer *p = NULL;

	if (slot && slot->kind == INDEX_HANDSHAKE)
		p = slot->object;
	else if (slot)
		p = ((struct wg_session *)slot->object)->peer;
	if (!p || !cookie_consume_reply(&p->cookie, now_ns, m, &p->key))
		return WG_DROP_COOKIE;
	count_event(t, WG_EVENT_COOKIE_RECEIVED, 1);
	return WG_DROP_NONE;
}

/* Responses first: an initiation of the same peer would supersede the handshake that they belong to. */
static void handle_chunk(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c)
{
	responses_handle(t, now_ns, &c->responses);
	if (c->n > 0)
		respond_all(t, now_ns, c);
}

static void admit_all(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c, struct arrivals *a,
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
			c->initiations[c->n++] =
				(struct initiation){ .buf = arrival->buf,
						     .m = arrival->msg.initiation,
						     .from = arrival->from };
		if (c->n == HANDSHAKE_CHUNK || c->responses.n == HANDSHAKE_CHUNK)
			handle_chunk(t, now_ns, c);
	}
	a->n = 0;
}

/* Handles a cookie reply at once, and collects handshake messages in *a. */
static enum wg_drop receive(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a,
			    struct wg_buf *buf, const struct wg_path *from)
{
	struct wg_msg msg;

	if (!t->is_up || !t->has_identity)
		return WG_DROP_HANDSHAKE_DOWN;
	if (!msg_parse(&msg, buf->src, buf->n))
		return WG_DROP_MALFORMED;
	switch (msg.type) {
	case MSG_COOKIE:
		return receive_cookie_reply(t, now_ns, msg.cookie);
	case MSG_RESPONSE:
	case MSG_INITIATION:
		a->checks[a->n] = (struct mac_check){ .msg = buf->src, .n = buf->n,
						       .from = &from->remote };
		a->all[a->n++] = (struct arrival){ .buf = buf, .msg = msg, .from = from };
		return WG_DROP_NONE;
	case MSG_DATA:
		return WG_DROP_MALFORMED; /* belongs to the data half */
	}
	unreachable();
}

void tunnel_control_udp(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, bool under_load)
{
	struct arrivals a;
	struct chunk c;

	a.n = c.n = c.responses.n = 0;
	tunnel_drain_woken(t, now_ns);
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		enum wg_drop why;

		if (buf->verdict != WG_CONTROL)
			continue;
		buf->verdict = WG_DONE;
		buf->drop = WG_DROP_NONE;
		why = receive(t, now_ns, &a, buf, &b->paths[buf->path]);
		if (why != WG_DROP_NONE)
			count_drop(t, buf, why);
		if (a.n == MAC_CHECKS_MAX)
			admit_all(t, now_ns, &c, &a, under_load);
	}
	if (a.n > 0)
		admit_all(t, now_ns, &c, &a, under_load);
	handle_chunk(t, now_ns, &c);
}
