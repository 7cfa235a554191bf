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

bool peer_set_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			const struct noise_pending *pending)
{
	struct index_table grown;

	if (!index_grow(&grown, &t->indices))
		return false;
	publish_begin(t);
	index_grow_commit(&t->indices, &grown);
	clear_handshake(t, p);
	p->handshake = *pending;
	p->is_pending = true;
	index_add(&t->indices, pending->index, INDEX_HANDSHAKE, p);
	publish_end(t);
	index_free(&grown);
	return true;
}

bool peer_begin_session(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
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
	clear_handshake(t, p);
	slots_rotate(&p->sessions, keys->initiator ? SESSION_INITIATED : SESSION_RESPONDED, s,
		     dropped);
	unindex_dropped(t, dropped);
	index_add(&t->indices, s->local, INDEX_SESSION, s);
	publish_end(t);
	index_free(&grown);
	free_dropped(dropped);
	timers_session_derived(&p->timers, now_ns);
	return true;
}

void peer_handshake_complete(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	timers_handshake_complete(&p->timers);
	atomic_store(&p->last_minute_rekey_sent, false);
	t->env.realtime(t->env.ctx, &p->handshake_s, &p->handshake_ns);
	peer_make_ready(t, p);
}

void peer_confirm(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	struct wg_session *dropped[3];

	(void)now_ns;
	if (!p->sessions.next || !atomic_load(&p->sessions.next->has_received))
		return;
	publish_begin(t);
	slots_rotate(&p->sessions, SESSION_CONFIRMED, NULL, dropped);
	unindex_dropped(t, dropped);
	publish_end(t);
	free_dropped(dropped);
	peer_handshake_complete(t, p);
}
