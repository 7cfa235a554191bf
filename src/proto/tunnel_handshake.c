/* Handshakes and cookies as the control half sees them. Messages are refused in the order of what it
 * costs to find out; the Diffie-Hellmans of many initiations are computed together. */
#include "tunnel_state.h"

#include <stdlib.h>

#include "../base/mem.h"

#define ACCEPT_INTERVAL_NS (NS_PER_S / 50) /* INITIATIONS_PER_SECOND of one peer */
#define GIVE_WAY_NS NS_PER_S                 /* longer than the jitter and a long way */

enum { HANDSHAKE_TOS = 0x88 }; /* DSCP AF41 */
enum { CHUNK = 16 };           /* initiations whose Diffie-Hellmans share the lanes */

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

/* Takes a handshake message of the peer, adds its MACs and puts it on its way. */
static bool send_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
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
	count_bytes(&p->tx_bytes, n);
	timers_sent(&p->timers, now_ns, false);
	atomic_store(&p->may_initiate_ns, now_ns + REKEY_TIMEOUT_NS);
	return true;
}

static uint64_t random_jitter_ns(struct wg_tunnel *t)
{
	uint8_t b[4];

	t->env.random(t->env.ctx, b, sizeof b);
	return (load_le32(b) * JITTER_MAX_NS) >> 32;
}

static void random_private(struct wg_tunnel *t, struct wg_private *out)
{
	t->env.random(t->env.ctx, out, sizeof *out);
	x25519_clamp(out);
}

static uint32_t new_index(struct wg_tunnel *t)
{
	uint8_t b[4];

	do
		t->env.random(t->env.ctx, b, sizeof b);
	while (index_find(&t->indices, load_le32(b)));
	return load_le32(b);
}

/* Wall clock, but never before anything sent in this tunnel's life and always after what was sent to
 * this peer: he refuses what is not news. */
static void next_timestamp(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	uint8_t now[TAI64N_BYTES];
	uint64_t unix_s;
	uint32_t ns;

	t->env.realtime(t->env.ctx, &unix_s, &ns);
	tai64n_from_unix(now, unix_s, ns);
	if (memcmp(now, t->sent_timestamp, sizeof now) > 0)
		memcpy(t->sent_timestamp, now, sizeof now);
	if (memcmp(p->sent_timestamp, t->sent_timestamp, sizeof now) >= 0)
		tai64n_next(t->sent_timestamp);
	memcpy(p->sent_timestamp, t->sent_timestamp, sizeof now);
}

/* ---- sessions come and go ---- */

static void forget_dropped(struct wg_tunnel *t, struct wg_session *dropped[3])
{
	for (int i = 0; i < 3; i++)
		if (dropped[i])
			index_remove(&t->indices, dropped[i]->local);
}

static void free_dropped(struct wg_session *dropped[3])
{
	for (int i = 0; i < 3; i++)
		session_free(dropped[i]);
}

static void unlist_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (p->is_pending)
		index_remove(&t->indices, p->handshake.index);
	p->is_pending = false;
	mem_wipe(&p->handshake, sizeof p->handshake);
}

void peer_wipe_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (!p->is_pending)
		return;
	publish_begin(t);
	unlist_handshake(t, p);
	publish_end(t);
}

void peer_wipe_keys(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	struct session_slots *s = &p->sessions;
	struct wg_session *dropped[3];

	mem_wipe(&p->cookie, sizeof p->cookie);
	if (!p->is_pending && !s->next && !s->current && !s->previous)
		return;
	publish_begin(t);
	unlist_handshake(t, p);
	slots_move(s, SESSION_CLEAR, NULL, dropped);
	forget_dropped(t, dropped);
	publish_end(t);
	free_dropped(dropped);
}

/* A handshake led to these keys. False: out of memory. */
static bool begin_session(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			  const struct wg_keypair *keys)
{
	struct wg_session *s = session_new(p, keys, now_ns), *dropped[3];
	struct index_table grown;

	if (!s || !index_grow(&grown, &t->indices)) {
		session_free(s);
		return false;
	}
	publish_begin(t);
	index_grow_commit(&t->indices, &grown);
	unlist_handshake(t, p);
	slots_move(&p->sessions, keys->initiator ? SESSION_INITIATED : SESSION_ANSWERED, s,
		   dropped);
	forget_dropped(t, dropped);
	index_add(&t->indices, s->local, INDEX_SESSION, s);
	publish_end(t);
	index_free(&grown);
	free_dropped(dropped);
	timers_session_derived(&p->timers, now_ns);
	return true;
}

static void handshake_complete(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	timers_handshake_complete(&p->timers);
	atomic_store(&p->was_last_minute, false);
	t->env.realtime(t->env.ctx, &p->handshake_s, &p->handshake_ns);
	peer_make_ready(t, p);
}

void peer_confirm(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	struct wg_session *dropped[3];

	(void)now_ns;
	if (!p->sessions.next || !atomic_load(&p->sessions.next->was_heard))
		return;
	publish_begin(t);
	slots_move(&p->sessions, SESSION_CONFIRMED, NULL, dropped);
	forget_dropped(t, dropped);
	publish_end(t);
	free_dropped(dropped);
	handshake_complete(t, p);
}

/* ---- initiator ---- */

/* The static-static DH of a peer, if it is not known yet: a job to be computed with others … */
static size_t static_job(struct wg_tunnel *t, struct wg_tunnel_peer *p, struct x25519_job *job)
{
	if (p->has_ss)
		return 0;
	job->key = t->identity.key;
	job->u = p->key;
	return 1;
}

/* … and its result. A low-order key leaves zeros, which no handshake gets past. */
static void static_take(struct wg_tunnel_peer *p, const struct x25519_job *job)
{
	p->ss = job->out;
	p->has_ss = true;
}

static bool list_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			   const struct noise_pending *pending)
{
	struct index_table grown;

	if (!index_grow(&grown, &t->indices))
		return false;
	publish_begin(t);
	index_grow_commit(&t->indices, &grown);
	unlist_handshake(t, p);
	p->handshake = *pending;
	p->is_pending = true;
	index_add(&t->indices, pending->index, INDEX_HANDSHAKE, p);
	publish_end(t);
	index_free(&grown);
	return true;
}

void peer_initiate(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p, bool is_retry)
{
	uint64_t may_ns = atomic_load(&p->may_initiate_ns);
	struct x25519_job jobs[NOISE_INITIATE_JOBS + 1];
	struct noise_pending pending;
	struct msg_initiation m;
	struct wg_private e;
	size_t n_static;

	if (!is_retry)
		p->timers.attempts = 0;
	if (!t->is_up || !t->has_identity || !atomic_load(&p->has_endpoint))
		return;
	if (now_ns < may_ns) {
		if (is_retry) /* we answered meanwhile; should nothing come of that, go on */
			timers_initiation_sent(&p->timers, may_ns - REKEY_TIMEOUT_NS,
					       random_jitter_ns(t));
		return;
	}
	atomic_store(&p->may_initiate_ns, now_ns + REKEY_TIMEOUT_NS);
	random_private(t, &e);
	next_timestamp(t, p);
	noise_initiate_jobs(jobs, &e, &p->key);
	n_static = static_job(t, p, &jobs[NOISE_INITIATE_JOBS]);
	x25519_batch(jobs, NOISE_INITIATE_JOBS + n_static);
	if (n_static)
		static_take(p, &jobs[NOISE_INITIATE_JOBS]);
	if (noise_initiate(&pending, &m,
			   &(struct noise_initiate_in){
				   .self = &t->identity, .peer = &p->key,
				   .ss = &p->ss, .timestamp = p->sent_timestamp,
				   .index = new_index(t), .jobs = jobs }) &&
	    list_handshake(t, p, &pending) && send_handshake(t, now_ns, p, &m, sizeof m)) {
		timers_initiation_sent(&p->timers, now_ns, random_jitter_ns(t));
		peer_rearm(t, p);
	}
	mem_wipe(&e, sizeof e);
	mem_wipe(&pending, sizeof pending);
	mem_wipe(jobs, sizeof jobs);
}

static struct wg_tunnel_peer *pending_peer(struct wg_tunnel *t, uint32_t index)
{
	const struct index_slot *slot = index_find(&t->indices, index);

	return slot && slot->kind == INDEX_HANDSHAKE ? slot->what : NULL;
}

static enum wg_drop take_response(struct wg_tunnel *t, uint64_t now_ns,
				  const struct msg_response *m, const struct wg_path *from)
{
	struct wg_tunnel_peer *p = pending_peer(t, load_le32(m->receiver));
	struct x25519_job jobs[NOISE_FINISH_JOBS];
	struct wg_keypair keys;
	bool ok;

	if (!p)
		return WG_DROP_HANDSHAKE;
	noise_finish_jobs(jobs, &p->handshake, &t->identity, m);
	x25519_batch(jobs, NOISE_FINISH_JOBS);
	ok = noise_finish(&keys, &p->handshake, m, &p->psk, jobs) &&
	     begin_session(t, now_ns, p, &keys);
	mem_wipe(&keys, sizeof keys);
	mem_wipe(jobs, sizeof jobs);
	if (!ok)
		return WG_DROP_HANDSHAKE;
	peer_set_path(p, from);
	count_bytes(&p->rx_bytes, sizeof *m);
	timers_received(&p->timers, now_ns, false);
	handshake_complete(t, p);
	peer_send_keepalive(t, p); /* or what is staged: either confirms the key */
	peer_rearm(t, p);
	return WG_DROP_NONE;
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

struct chunk { /* initiations of right mac1, answered together */
	struct answer answers[CHUNK];
	struct x25519_job jobs[CHUNK * NOISE_ANSWER_JOBS];
	size_t n;
};

static void refuse(struct wg_tunnel *t, struct answer *a, enum wg_drop why)
{
	a->peer = NULL;
	count_drop(t, a->buf, why);
}

/* What peers met for the first time need: one DH each. */
static void know_all(struct wg_tunnel *t, struct chunk *c)
{
	struct wg_tunnel_peer *peers[CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		peers[n] = c->answers[i].peer;
		if (peers[n])
			n += static_job(t, peers[n], &c->jobs[n]);
	}
	x25519_batch(c->jobs, n);
	for (size_t i = 0; i < n; i++)
		static_take(peers[i], &c->jobs[i]);
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
	else if (!begin_session(t, now_ns, p, &keys))
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

static void take_all(struct wg_tunnel *t, uint64_t now_ns, struct chunk *c, struct arrivals *a,
		     bool under_load)
{
	arrivals_admit(t, now_ns, a, under_load);
	for (size_t i = 0; i < a->n; i++) {
		const struct arrival *arrival = &a->all[i];
		enum wg_drop why = WG_DROP_NONE;

		if (arrival->msg.type == MSG_RESPONSE)
			why = take_response(t, now_ns, arrival->msg.response, arrival->from);
		else
			c->answers[c->n++] = (struct answer){ .buf = arrival->buf,
							      .m = arrival->msg.initiation,
							      .from = arrival->from };
		if (why != WG_DROP_NONE)
			count_drop(t, arrival->buf, why);
		if (c->n == CHUNK)
			answer_all(t, now_ns, c);
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

	a.n = 0;
	c.n = 0;
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
	if (c.n > 0)
		answer_all(t, now_ns, &c);
}
