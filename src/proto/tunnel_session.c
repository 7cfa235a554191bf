/* The pending handshake and the sessions of a peer: created, rotated, erased, always together with their
 * receiver indices and inside one publication. Memory is freed afterwards, when no reader section can
 * hold a pointer to it. */
#include "tunnel_state.h"

#include <assert.h>

#include "base/mem.h"

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

	mem_wipe(&p->cookie, sizeof p->cookie);
	if (!p->is_pending && !s->next && !s->current && !s->previous)
		return;
	publish_begin(t);
	clear_handshake(t, p);
	slots_rotate(s, SESSION_CLEAR, NULL, dropped);
	unindex_dropped(t, dropped);
	publish_end(t);
	free_dropped(dropped);
}

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

static void begin_session(struct wg_tunnel *t, struct wg_session *s, struct wg_session *dropped[3])
{
	struct wg_tunnel_peer *p = s->peer;

	clear_handshake(t, p);
	slots_rotate(&p->sessions, s->initiator ? SESSION_INITIATED : SESSION_RESPONDED, s, dropped);
	unindex_dropped(t, dropped);
	index_add(&t->indices, s->local, INDEX_SESSION, s);
}

bool tunnel_begin_sessions(struct wg_tunnel *t, uint64_t now_ns, struct wg_session *const *all, size_t n)
{
	struct wg_session *dropped[HANDSHAKE_CHUNK][3];
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
		begin_session(t, all[i], dropped[i]);
	publish_end(t);
	index_free(&grown);
	for (size_t i = 0; i < n; i++) {
		free_dropped(dropped[i]);
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

void tunnel_confirm_sessions(struct wg_tunnel *t, struct wg_tunnel_peer *const *peers, size_t n)
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
	publish_begin(t);
	for (size_t i = 0; i < n_confirmed; i++) {
		slots_rotate(&confirmed[i]->sessions, SESSION_CONFIRMED, NULL, dropped[i]);
		unindex_dropped(t, dropped[i]);
	}
	publish_end(t);
	for (size_t i = 0; i < n_confirmed; i++) {
		free_dropped(dropped[i]);
		peer_handshake_complete(t, confirmed[i]);
	}
}
