/* The control half: staged packets, the outbox, timers, and the wake list. One thread. */
#include "tunnel_state.h"

#include <assert.h>

#include "base/mem.h"

static uint64_t next_deadline(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	uint64_t at_ns = t->is_up ? timers_next(&p->timers) : NEVER;

	return t->is_up && p->previous_check_ns < at_ns ? p->previous_check_ns : at_ns;
}

void peer_rearm(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	uint64_t at_ns = next_deadline(t, p), seen_ns;

	/* A reader section may start a timer meanwhile: either it sees this armed_ns and wakes control,
	 * or the second reading sees its timer. */
	do {
		seen_ns = at_ns;
		atomic_store(&p->armed_ns, seen_ns);
		at_ns = next_deadline(t, p);
	} while (at_ns < seen_ns);
	if (seen_ns == NEVER)
		heap_remove(&t->timers, &p->timer);
	else
		heap_set(&t->timers, &p->timer, seen_ns);
	assert(t->timers.n <= t->timers_cap && (p->timer.position != 0) == (seen_ns != NEVER));
}

/* ---- staged packets ---- */

void peer_make_ready(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (p->is_ready || p->staged.n == 0)
		return;
	p->is_ready = true;
	p->ready_next = NULL;
	p->ready_prev = t->ready_last;
	if (t->ready_last)
		t->ready_last->ready_next = p;
	else
		t->ready_first = p;
	t->ready_last = p;
}

static void ready_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (!p->is_ready)
		return;
	if (p->ready_prev)
		p->ready_prev->ready_next = p->ready_next;
	else
		t->ready_first = p->ready_next;
	if (p->ready_next)
		p->ready_next->ready_prev = p->ready_prev;
	else
		t->ready_last = p->ready_prev;
	p->is_ready = false;
}

static void stage(struct wg_tunnel *t, struct wg_tunnel_peer *p, const uint8_t *bytes, uint32_t n)
{
	uint32_t n_dropped;

	if (!staged_add(&p->staged, &t->staged_bytes, bytes, n, &n_dropped))
		count_drops(t, WG_DROP_NO_MEMORY, n > 0);
	if (n_dropped > 0)
		count_drops(t, WG_DROP_STAGED_FULL, n_dropped);
	peer_make_ready(t, p);
}

void peer_send_keepalive(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (p->staged.n == 0)
		stage(t, p, NULL, 0);
	else
		peer_make_ready(t, p);
}

/* A longer packet, which no UDP datagram can carry, might not have space in the buffer of tunnel_control_next. */
enum { STAGED_PACKET_MAX = WG_DATAGRAM_MAX - 15 - WG_OVERHEAD };

void tunnel_control_tun(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	tunnel_drain_woken(t, now_ns);
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		struct routes_owner *owner = NULL;
		struct packet_ip ip;

		if (buf->verdict != WG_CONTROL)
			continue;
		buf->verdict = WG_DONE;
		buf->drop = WG_DROP_NONE;
		if (!t->is_up)
			buf->drop = WG_DROP_DOWN;
		else if (!packet_parse(&ip, buf->src, buf->n))
			buf->drop = WG_DROP_NOT_IP;
		else if (!(owner = routes_find(&t->routes, ip.family, ip.destination)))
			buf->drop = WG_DROP_NO_PEER;
		else if (buf->n > STAGED_PACKET_MAX)
			buf->drop = WG_DROP_SEND;
		else
			stage(t, container_of(owner, struct wg_tunnel_peer, routes), buf->src,
			      buf->n);
		if (buf->drop != WG_DROP_NONE)
			count_drops(t, buf->drop, 1);
	}
}

/* ---- packets that follow staged ones ---- */

/* Everything that was staged for the peer is sent: from now on, or from tunnel_release on, the data
 * half sends its packets by itself. */
static void staged_drained(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (!atomic_load_explicit(&p->is_held, memory_order_relaxed) || p->in_held_list)
		return;
	if (!t->must_hold) {
		atomic_store_explicit(&p->is_held, false, memory_order_relaxed);
		return;
	}
	p->in_held_list = true;
	p->held_prev = NULL;
	p->held_next = t->held;
	if (t->held)
		t->held->held_prev = p;
	t->held = p;
}

static void held_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (!p->in_held_list)
		return;
	if (p->held_prev)
		p->held_prev->held_next = p->held_next;
	else
		t->held = p->held_next;
	if (p->held_next)
		p->held_next->held_prev = p->held_prev;
	p->in_held_list = false;
}

void tunnel_hold(struct wg_tunnel *t)
{
	t->must_hold = true;
}

void tunnel_queue_emptied(struct wg_tunnel *t)
{
	share_next_round(&t->to_control);
}

bool tunnel_is_holding(const struct wg_tunnel *t)
{
	return t->held != NULL;
}

void tunnel_release(struct wg_tunnel *t)
{
	struct wg_tunnel_peer *p;

	while ((p = t->held)) {
		held_remove(t, p);
		if (p->staged.n == 0)
			atomic_store_explicit(&p->is_held, false, memory_order_relaxed);
	}
}

/* ---- datagrams to send ---- */

static enum wg_event sent_event(const struct datagram *d)
{
	switch (d->bytes[0]) {
	case MSG_INITIATION: return WG_EVENT_INITIATION_SENT;
	case MSG_RESPONSE: return WG_EVENT_RESPONSE_SENT;
	case MSG_COOKIE: return WG_EVENT_COOKIE_SENT;
	}
	unreachable();
}

static bool outbox_take(struct wg_tunnel *t, struct wg_buf *out, struct wg_path *to)
{
	struct outbox *o = &t->outbox;

	assert(o->first <= o->n && o->n <= o->cap);
	while (o->first < o->n) {
		const struct datagram *d = &o->all[o->first++];

		if (d->n == 0) /* its peer was removed */
			continue;
		memcpy(out->dst, d->bytes, d->n);
		out->out_n = d->n;
		out->tos = d->tos;
		*to = d->path;
		count_event(t, sent_event(d), 1);
		return true;
	}
	o->first = o->n = 0;
	return false;
}

/* Encrypts the oldest staged packet of the peer. False: it has none, or lists the peer for an
 * initiation because no session can send it. */
static bool send_staged(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			struct wg_buf *out, struct wg_path *to)
{
	size_t mtu = atomic_load_explicit(&t->mtu, memory_order_relaxed), padded;
	struct wg_session *session = p->sessions.current;
	struct packet_ip ip = { .tos = 0 };
	uint8_t *plain = out->dst + MSG_DATA_HEADER_BYTES;
	struct staged *s;
	uint64_t counter;

	if (!t->is_up || p->staged.n == 0)
		return false;
	if (!session_can_send(session, now_ns) ||
	    session_reserve_counters(session, 1, &counter) == 0) {
		peer_initiate(t, now_ns, p, false);
		return false;
	}
	s = staged_pop(&p->staged, &t->staged_bytes);
	padded = s->n > 0 ? packet_padded(s->n, mtu) : 0;
	memcpy(plain, s->bytes, s->n);
	memset(plain + s->n, 0, padded - s->n);
	msg_data_header(out->dst, session->remote, counter);
	aead_seal(plain, plain, padded, NULL, 0, counter, &session->tx_key);
	out->out_n = (uint32_t)padded + WG_OVERHEAD;
	out->tos = s->n > 0 && packet_parse(&ip, s->bytes, s->n) ? packet_outer_tos(ip.tos) : 0;
	peer_path(p, to);
	to->tx_index = session->local;
	count_bytes(&p->tx_bytes, out->out_n);
	timers_sent(&p->timers, now_ns, s->n > 0);
	if (s->n == 0)
		count_event(t, WG_EVENT_KEEPALIVE_SENT, 1);
	staged_free(s);
	if (p->staged.n == 0)
		staged_drained(t, p);
	if (session_needs_rekey(session, now_ns))
		peer_initiate(t, now_ns, p, false);
	peer_rearm(t, p);
	return true;
}

bool tunnel_control_next(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *out,
			 struct wg_path *to)
{
	tunnel_drain_woken(t, now_ns);
	out->verdict = WG_TO_UDP;
	out->drop = WG_DROP_NONE;
	for (;;) {
		if (outbox_take(t, out, to))
			return true;
		if (t->ready_first && send_staged(t, now_ns, t->ready_first, out, to)) {
			tunnel_initiate_all(t, now_ns);
			return true;
		}
		if (t->ready_first)
			ready_remove(t, t->ready_first); /* the next peer may need an initiation, too: they share a batch */
		else if (t->n_initiators > 0)
			tunnel_initiate_all(t, now_ns);
		else
			break;
	}
	out->verdict = WG_DONE;
	out->out_n = 0;
	return false;
}

/* ---- timers ---- */

static void retransmit(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	uint32_t n;

	if (p->timers.attempts <= MAX_TIMER_HANDSHAKES) {
		p->timers.attempts++;
		peer_clear_source(p);
		peer_initiate(t, now_ns, p, true);
		return;
	}
	timers_gave_up(&p->timers, now_ns);
	count_event(t, WG_EVENT_GAVE_UP, 1);
	n = staged_drop_all(&p->staged, &t->staged_bytes);
	if (n > 0)
		count_drops(t, WG_DROP_GAVE_UP, n);
}

static void peer_tick(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	unsigned int due = timers_due(&p->timers, now_ns);

	if (due & TIMER_RETRANSMIT)
		retransmit(t, now_ns, p);
	if (due & TIMER_NEW_HANDSHAKE) {
		peer_clear_source(p);
		peer_initiate(t, now_ns, p, false);
	}
	if (due & TIMER_KEEPALIVE) {
		/* In this order: sending the keepalive may stop the timer again. */
		timers_keepalive_again(&p->timers, now_ns);
		peer_send_keepalive(t, p);
	}
	if (due & TIMER_PERSISTENT)
		peer_send_keepalive(t, p);
	if (due & TIMER_ZERO_KEYS)
		peer_wipe_keys(t, p);
	peer_check_previous(t, now_ns, p);
	peer_rearm(t, p);
}

struct woken { /* peers that are handled together */
	struct wg_tunnel_peer *peers[HANDSHAKE_CHUNK];
	uint32_t why[HANDSHAKE_CHUNK];
	size_t n;
};

static void handle_woken(struct wg_tunnel *t, uint64_t now_ns, struct woken *w)
{
	struct wg_tunnel_peer *confirmed[HANDSHAKE_CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->why[i] & WAKE_CONFIRM)
			confirmed[n++] = w->peers[i];
	tunnel_confirm_sessions(t, now_ns, confirmed, n);
	for (size_t i = 0; i < w->n; i++) {
		if (w->why[i] & WAKE_REKEY)
			peer_initiate(t, now_ns, w->peers[i], false);
		peer_rearm(t, w->peers[i]);
	}
	w->n = 0;
}

/* Moves the wake list, which data threads share, into control's. */
static void collect_woken(struct wg_tunnel *t)
{
	struct wg_tunnel_peer *p, *next;

	if (!atomic_load_explicit(&t->wake_list, memory_order_relaxed))
		return;
	for (p = atomic_exchange(&t->wake_list, NULL); p; p = next) {
		next = p->wake_next;
		p->wake_next = t->woken;
		p->wake_prev = NULL;
		if (t->woken)
			t->woken->wake_prev = p;
		t->woken = p;
	}
}

/* Takes the peer out of control's list; returns the reasons. From now on the data half may list it again. */
static uint32_t woken_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (p->wake_prev)
		p->wake_prev->wake_next = p->wake_next;
	else
		t->woken = p->wake_next;
	if (p->wake_next)
		p->wake_next->wake_prev = p->wake_prev;
	return atomic_exchange(&p->wake_reasons, 0);
}

void tunnel_drain_woken(struct wg_tunnel *t, uint64_t now_ns)
{
	struct wg_tunnel_peer *p;
	struct woken w;

	collect_woken(t);
	if (!t->woken)
		return;
	w.n = 0;
	while ((p = t->woken)) {
		uint32_t why = woken_remove(t, p);

		assert(why != 0); /* a listed peer has a reason, and is listed once */
		if (!t->is_up)
			continue;
		w.peers[w.n] = p;
		w.why[w.n++] = why;
		if (w.n == HANDSHAKE_CHUNK)
			handle_woken(t, now_ns, &w);
	}
	handle_woken(t, now_ns, &w);
	tunnel_initiate_all(t, now_ns);
}

uint64_t tunnel_deadline(struct wg_tunnel *t)
{
	const struct heap_node *first = heap_first(&t->timers);

	if (tunnel_needs_control(t) || t->woken || t->outbox.first < t->outbox.n || t->ready_first)
		return 0;
	return first ? first->key : NEVER;
}

bool tunnel_needs_control(const struct wg_tunnel *t)
{
	return atomic_load(&t->wake_list) != NULL;
}

void tunnel_tick(struct wg_tunnel *t, uint64_t now_ns)
{
	tunnel_drain_woken(t, now_ns);
	for (unsigned int i = 0; i < PEERS_PER_TICK; i++) {
		struct heap_node *first = heap_first(&t->timers);

		if (!first || first->key > now_ns)
			break;
		peer_tick(t, now_ns, container_of(first, struct wg_tunnel_peer, timer));
	}
	tunnel_free_previous(t);
	tunnel_initiate_all(t, now_ns);
}

/* No reader section can reach the peer any more. */
static void wake_list_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (!atomic_load(&p->wake_reasons))
		return;
	collect_woken(t);
	(void)woken_remove(t, p);
}

/* The datagrams of the peer that still wait are linked, the latest first. A link that leads elsewhere is older than the
 * outbox. */
static void outbox_remove(struct outbox *o, struct wg_tunnel_peer *p)
{
	uint32_t at = p->outbox_at, end = o->n;

	while (at >= o->first && at < end && o->all[at].peer == p) {
		o->all[at].n = 0;
		end = at;
		at = o->all[at].earlier;
	}
}

void peer_detach(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	wake_list_remove(t, p);
	ready_remove(t, p);
	held_remove(t, p);
	heap_remove(&t->timers, &p->timer);
	outbox_remove(&t->outbox, p);
}
