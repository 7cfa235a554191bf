/* The pending handshake and the sessions of a peer: created, rotated, erased, always together with their
 * receiver indices and inside one publication. Memory is freed afterwards, when no reader section can
 * hold a pointer to it. */
#include "tunnel_state.h"

#include <assert.h>

#include "base/mem.h"

#define PREVIOUS_NS (30 * NS_PER_S) /* without a packet, after which the previous session is freed */

static void unindex_dropped(struct wg_tunnel *t, struct wg_session *dropped[3])
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

static void clear_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p)
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
	clear_handshake(t, p);
	publish_end(t);
}

void peer_wipe_keys(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	struct session_slots *s = &p->sessions;
	struct wg_session *dropped[3];

	if (!p->is_pending && !s->next && !s->current && !s->previous)
		return;
	publish_begin(t);
	clear_handshake(t, p);
	slots_rotate(s, SESSION_CLEAR, NULL, dropped);
	unindex_dropped(t, dropped);
	publish_end(t);
	free_dropped(dropped);
	p->previous_check_ns = NEVER;
}

/* ---- the previous session ---- */

static uint64_t next_counter(struct wg_session *s)
{
	uint64_t next;

	spin_lock(&s->rx_lock);
	next = s->rx_window.next;
	spin_unlock(&s->rx_lock);
	return next;
}

/* After a rotation. A session is kept for packets that are on their way, and until the peer has noticed its successor.
 * After two simultaneous handshakes, the peer may send with it as long as it lives. */
static void keep_previous(uint64_t now_ns, struct wg_tunnel_peer *p, bool simultaneous)
{
	struct wg_session *s = p->sessions.previous;

	p->previous_check_ns = NEVER;
	if (!s)
		return;
	p->previous_next = next_counter(s);
	p->previous_check_ns = simultaneous ? s->created_ns + REJECT_AFTER_TIME_NS : now_ns + PREVIOUS_NS;
}

/* A packet has arrived in the successor. If ours to confirm it was lost, the peer goes on with the previous session. */
static bool peer_uses_successor(const struct wg_tunnel_peer *p)
{
	return p->sessions.current && next_counter(p->sessions.current) > 0;
}

void peer_check_previous(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	struct wg_session *s = p->sessions.previous;
	uint64_t next;

	if (now_ns < p->previous_check_ns)
		return;
	p->previous_check_ns = NEVER;
	if (!s)
		return;
	next = next_counter(s);
	if ((next == p->previous_next && peer_uses_successor(p)) || session_is_expired(s, now_ns)) {
		assert(t->n_unused < ARRAY_LEN(t->unused));
		t->unused[t->n_unused++] = p;
		return;
	}
	p->previous_next = next;
	p->previous_check_ns = now_ns + PREVIOUS_NS;
}

void tunnel_free_previous(struct wg_tunnel *t)
{
	struct wg_session *dropped[PEERS_PER_TICK][3];

	if (t->n_unused == 0)
		return;
	publish_begin(t);
	for (size_t i = 0; i < t->n_unused; i++) {
		slots_rotate(&t->unused[i]->sessions, SESSION_FORGET, NULL, dropped[i]);
		unindex_dropped(t, dropped[i]);
	}
	publish_end(t);
	for (size_t i = 0; i < t->n_unused; i++)
		free_dropped(dropped[i]);
	t->n_unused = 0;
}

/* ---- new sessions ---- */

bool tunnel_set_handshakes(struct wg_tunnel *t, const struct initiation_sent *all, size_t n)
{
	struct index_table grown;

	if (!index_grow(&grown, &t->indices, n))
		return false;
	publish_begin(t);
	index_grow_commit(&t->indices, &grown);
	for (size_t i = 0; i < n; i++) {
		struct wg_tunnel_peer *p = all[i].peer;

		clear_handshake(t, p);
		p->handshake = all[i].pending;
		p->is_pending = true;
		index_add(&t->indices, p->handshake.index, INDEX_HANDSHAKE, p);
	}
	publish_end(t);
	index_free(&grown);
	return true;
}

/* True: the peer has initiated one, too, and may already send with it. */
static bool begin_session(struct wg_tunnel *t, struct wg_session *s, struct wg_session *dropped[3])
{
	struct wg_tunnel_peer *p = s->peer;
	bool simultaneous = s->initiator && p->sessions.next;

	clear_handshake(t, p);
	slots_rotate(&p->sessions, s->initiator ? SESSION_INITIATED : SESSION_RESPONDED, s, dropped);
	unindex_dropped(t, dropped);
	index_add(&t->indices, s->local, INDEX_SESSION, s);
	return simultaneous;
}

bool tunnel_begin_sessions(struct wg_tunnel *t, uint64_t now_ns, struct wg_session *const *all, size_t n)
{
	struct wg_session *dropped[HANDSHAKE_CHUNK][3];
	bool simultaneous[HANDSHAKE_CHUNK];
	struct index_table grown;

	assert(n <= HANDSHAKE_CHUNK);
	if (!index_grow(&grown, &t->indices, n)) {
		for (size_t i = 0; i < n; i++)
			session_free(all[i]);
		return false;
	}
	publish_begin(t);
	index_grow_commit(&t->indices, &grown);
	for (size_t i = 0; i < n; i++)
		simultaneous[i] = begin_session(t, all[i], dropped[i]);
	publish_end(t);
	index_free(&grown);
	for (size_t i = 0; i < n; i++) {
		free_dropped(dropped[i]);
		keep_previous(now_ns, all[i]->peer, simultaneous[i]);
		timers_session_derived(&all[i]->peer->timers, now_ns);
	}
	return true;
}

void peer_handshake_complete(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	timers_handshake_complete(&p->timers);
	atomic_store(&p->last_minute_rekey_sent, false);
	t->env.realtime(t->env.ctx, &p->handshake_s, &p->handshake_ns);
	peer_make_ready(t, p);
}

void tunnel_confirm_sessions(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *const *peers, size_t n)
{
	struct wg_session *dropped[HANDSHAKE_CHUNK][3];
	struct wg_tunnel_peer *confirmed[HANDSHAKE_CHUNK];
	size_t n_confirmed = 0;

	assert(n <= HANDSHAKE_CHUNK);
	for (size_t i = 0; i < n; i++)
		if (peers[i]->sessions.next && atomic_load(&peers[i]->sessions.next->has_received))
			confirmed[n_confirmed++] = peers[i];
	if (n_confirmed == 0)
		return;
	count_event(t, WG_EVENT_CONFIRMED, n_confirmed);
	publish_begin(t);
	for (size_t i = 0; i < n_confirmed; i++) {
		slots_rotate(&confirmed[i]->sessions, SESSION_CONFIRMED, NULL, dropped[i]);
		unindex_dropped(t, dropped[i]);
	}
	publish_end(t);
	for (size_t i = 0; i < n_confirmed; i++) {
		free_dropped(dropped[i]);
		keep_previous(now_ns, confirmed[i], false);
		peer_handshake_complete(t, confirmed[i]);
	}
}
