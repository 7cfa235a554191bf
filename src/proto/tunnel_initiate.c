/* The initiator's side of handshakes (whitepaper sections 5.4.2 and 5.4.3): sends initiations and
 * handles responses. Those of one call of the control half are gathered, so that their X25519 is
 * computed in batches. */
#include "tunnel_state.h"

#include <assert.h>

#include "base/mem.h"

/* The wall clock, but not before any timestamp that this tunnel has sent, and after the last one sent to
 * this peer: a peer refuses timestamps that do not increase, even if our clock was set back. */
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

void peer_initiate(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p, bool is_retry)
{
	uint64_t may_ns = atomic_load(&p->may_initiate_ns);

	if (!is_retry)
		p->timers.attempts = 0;
	if (!t->is_up || !t->has_identity || !atomic_load(&p->has_endpoint))
		return;
	if (now_ns < may_ns) {
		if (is_retry) /* we have sent a response meanwhile: retry later, if that handshake fails */
			timers_initiation_sent(&p->timers, may_ns - REKEY_TIMEOUT_NS,
					       random_jitter_ns(t));
		return;
	}
	atomic_store(&p->may_initiate_ns, now_ns + REKEY_TIMEOUT_NS);
	assert(t->n_initiators < HANDSHAKE_CHUNK);
	t->initiators[t->n_initiators++] = p;
	if (t->n_initiators == HANDSHAKE_CHUNK)
		tunnel_initiate_all(t, now_ns);
}

/* False: the public key of the peer has low order. */
static bool initiate_one(struct wg_tunnel *t, struct initiation_sent *out, struct wg_tunnel_peer *p,
			 const struct x25519_job jobs[NOISE_INITIATE_JOBS])
{
	next_timestamp(t, p);
	out->peer = p;
	return noise_initiate(&out->pending, &out->message,
			      &(struct noise_initiate_in){
				      .self = &t->identity, .peer = &p->key,
				      .ss = &p->ss, .timestamp = p->sent_timestamp,
				      .index = new_index(t, p), .jobs = jobs });
}

/* Makes the pending handshakes of the listed peers, all in one publication, and sends the initiations. */
static void begin_and_send(struct wg_tunnel *t, uint64_t now_ns, size_t n_peers, const struct x25519_job *jobs)
{
	struct initiation_sent all[HANDSHAKE_CHUNK];
	size_t n = 0;

	t->n_drawn = 0;
	for (size_t i = 0; i < n_peers; i++)
		n += initiate_one(t, &all[n], t->initiators[i], &jobs[NOISE_INITIATE_JOBS * i]);
	if (n > 0 && tunnel_set_handshakes(t, all, n))
		for (size_t i = 0; i < n; i++)
			if (send_handshake(t, now_ns, all[i].peer, &all[i].message, sizeof all[i].message)) {
				timers_initiation_sent(&all[i].peer->timers, now_ns, random_jitter_ns(t));
				peer_rearm(t, all[i].peer);
			}
	mem_wipe(all, n * sizeof all[0]);
}

void tunnel_initiate_all(struct wg_tunnel *t, uint64_t now_ns)
{
	struct x25519_job jobs[HANDSHAKE_CHUNK * (NOISE_INITIATE_JOBS + 1)];
	size_t n = t->n_initiators, n_jobs = 0;
	struct wg_private e;

	if (n == 0)
		return;
	t->n_initiators = 0;
	for (size_t i = 0; i < n; i++, n_jobs += NOISE_INITIATE_JOBS) {
		random_private(t, &e);
		noise_initiate_jobs(&jobs[n_jobs], &e, &t->initiators[i]->key);
	}
	for (size_t i = 0; i < n; i++)
		n_jobs += static_dh_job(t, t->initiators[i], &jobs[n_jobs]);
	multiply_all(t, jobs, n_jobs);
	n_jobs = NOISE_INITIATE_JOBS * n;
	for (size_t i = 0; i < n; i++)
		if (!t->initiators[i]->has_ss)
			static_dh_store(t->initiators[i], &jobs[n_jobs++]);
	begin_and_send(t, now_ns, n, jobs);
	mem_wipe(&e, sizeof e);
	mem_wipe(jobs, sizeof jobs);
}

/* ---- responses ---- */

/* The peer whose pending handshake the response is for; null: none. */
static struct wg_tunnel_peer *pending_peer(struct wg_tunnel *t, const struct msg_response *m)
{
	const struct index_slot *slot = index_find(&t->indices, load_le32(m->receiver));

	return slot && slot->kind == INDEX_HANDSHAKE ? slot->object : NULL;
}

struct answered { /* responses that authenticate, and the sessions of their handshakes */
	struct wg_session *sessions[HANDSHAKE_CHUNK];
	const struct response *by[HANDSHAKE_CHUNK];
	size_t n;
};

static bool has_answered(const struct answered *a, const struct wg_tunnel_peer *p)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->sessions[i]->peer == p)
			return true;
	return false;
}

/* False: dropped. */
static bool handle_response(struct wg_tunnel *t, uint64_t now_ns, struct answered *a,
			    const struct response *r, const struct x25519_job jobs[NOISE_FINISH_JOBS])
{
	struct wg_tunnel_peer *p = pending_peer(t, r->m);
	struct wg_session *s = NULL;
	struct wg_keypair keys;

	if (!p || has_answered(a, p)) /* the response before this one ended the handshake */
		return false;
	if (noise_finish(&keys, &p->handshake, r->m, &p->psk, jobs))
		s = session_new(p, &keys, now_ns);
	mem_wipe(&keys, sizeof keys);
	if (!s)
		return false;
	peer_learn_path(p, r->from); /* before the session receives anything: that is newer */
	a->sessions[a->n] = s;
	a->by[a->n++] = r;
	return true;
}

static void complete_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       const struct response *r)
{
	count_bytes(&p->rx_bytes, sizeof *r->m);
	count_event(t, WG_EVENT_RESPONSE_RECEIVED, 1);
	timers_received(&p->timers, now_ns, false);
	peer_handshake_complete(t, p);
	peer_send_keepalive(t, p); /* or what is staged: either confirms the session to the responder */
	peer_rearm(t, p);
}

void responses_handle(struct wg_tunnel *t, uint64_t now_ns, struct responses *all)
{
	struct x25519_job jobs[HANDSHAKE_CHUNK * NOISE_FINISH_JOBS];
	struct answered answered;
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < all->n; i++) {
		const struct wg_tunnel_peer *p = pending_peer(t, all->all[i].m);

		if (p)
			noise_finish_jobs(&jobs[NOISE_FINISH_JOBS * n++], &p->handshake,
					  &t->identity, all->all[i].m);
		else
			count_drop(t, all->all[i].buf, WG_DROP_HANDSHAKE);
		all->all[i].is_expected = p != NULL;
	}
	multiply_all(t, jobs, NOISE_FINISH_JOBS * n);
	n = 0;
	answered.n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct response *r = &all->all[i];

		if (r->is_expected &&
		    !handle_response(t, now_ns, &answered, r, &jobs[NOISE_FINISH_JOBS * n++]))
			count_drop(t, r->buf, WG_DROP_HANDSHAKE);
	}
	ok = answered.n > 0 && tunnel_begin_sessions(t, now_ns, answered.sessions, answered.n);
	for (size_t i = 0; i < answered.n; i++) {
		if (ok)
			complete_handshake(t, now_ns, answered.sessions[i]->peer, answered.by[i]);
		else
			count_drop(t, answered.by[i]->buf, WG_DROP_HANDSHAKE_NO_MEMORY);
	}
	all->n = 0;
	mem_wipe(jobs, sizeof jobs[0] * NOISE_FINISH_JOBS * n);
}
