/* The data half: packets from TUN to datagrams, datagrams to packets. Runs in sections, in several
 * threads at once; allocates nothing. Packets of one session that follow each other are one run: one
 * reservation of counters, one call of the AEAD, one lock of the window, one store per timer. */
#include "tunnel_state.h"

enum { RUN_MAX = 64 };

struct tally { /* of one call, added to the shared counters at its end */
	uint64_t drops[WG_DROP_COUNT];
};

static void verdict(struct tally *tally, struct wg_buf *buf, enum wg_verdict v, enum wg_drop drop)
{
	buf->verdict = (uint8_t)v;
	buf->drop = (uint8_t)drop;
	if (drop != WG_DROP_NONE)
		tally->drops[drop]++;
}

static void tally_add(struct wg_tunnel *t, const struct tally *tally)
{
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		if (tally->drops[i])
			count_drops(t, i, tally->drops[i]);
}

void peer_poke(struct wg_tunnel *t, struct wg_tunnel_peer *p, enum peer_poke why)
{
	struct wg_tunnel_peer *head;

	if (atomic_fetch_or(&p->poke, why))
		return; /* it is in the list already, or somebody is about to put it there */
	head = atomic_load(&t->poked);
	do
		p->poke_next = head;
	while (!atomic_compare_exchange_weak(&t->poked, &head, p));
}

/* A timer became pending: control has to know if it believes to have more time. */
static void data_wake(struct wg_tunnel *t, struct wg_tunnel_peer *p, uint64_t at_ns)
{
	if (at_ns != NEVER && at_ns < atomic_load(&p->wake_ns))
		peer_poke(t, p, POKE_WAKE);
}

static struct wg_tunnel_peer *owner_peer(struct routes_owner *owner)
{
	return owner ? container_of(owner, struct wg_tunnel_peer, routes) : NULL;
}

/* The last look-up, because the next packet mostly asks the same. */
struct looked_up {
	struct wg_tunnel_peer *peer;
	uint8_t family; /* IP_NONE: nothing yet */
	uint8_t address[16];
};

static struct wg_tunnel_peer *look_up(struct looked_up *last, const struct wg_tunnel *t,
				      enum ip_family family, const uint8_t *address)
{
	size_t n = family == IP_V4 ? 4 : 16;

	if (last->family == family && memcmp(last->address, address, n) == 0)
		return last->peer;
	last->family = (uint8_t)family;
	memcpy(last->address, address, n);
	last->peer = owner_peer(routes_find(&t->routes, family, address));
	return last->peer;
}

/* ---- out ---- */

struct seal_run {
	struct wg_tunnel_peer *peer;
	struct wg_run *runs; /* null: at once; else where what is to be done is noted, by path */
	size_t n;
	struct wg_buf *bufs[RUN_MAX];
};

enum { NO_QUERY = 0xff };

struct asked { /* the destinations of up to RUN_MAX buffers; neighbours with the same share a query */
	struct routes_query queries[RUN_MAX];
	uint8_t query_of[RUN_MAX];
	size_t n;
};
_Static_assert((int)RUN_MAX <= (int)ROUTES_QUERIES_MAX && (int)RUN_MAX < (int)NO_QUERY, "queries");

static bool is_asked_last(const struct asked *a, const struct packet_ip *ip)
{
	const struct routes_query *last;

	if (a->n == 0)
		return false;
	last = &a->queries[a->n - 1];
	return last->family == ip->family &&
	       memcmp(last->address, ip->destination, ip->family == IP_V4 ? 4 : 16) == 0;
}

/* Who gets these buffers? */
static void ask(struct asked *a, const struct wg_tunnel *t, struct wg_buf *bufs, size_t n,
		struct tally *tally)
{
	a->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct packet_ip ip;

		a->query_of[i] = NO_QUERY;
		if (!t->is_up) {
			verdict(tally, &bufs[i], WG_DONE, WG_DROP_DOWN);
			continue;
		}
		if (!packet_parse(&ip, bufs[i].src, bufs[i].n)) {
			verdict(tally, &bufs[i], WG_DONE, WG_DROP_NOT_IP);
			continue;
		}
		bufs[i].tos = packet_outer_tos(ip.tos);
		if (!is_asked_last(a, &ip))
			a->queries[a->n++] = (struct routes_query){
				.address = ip.destination, .family = (uint8_t)ip.family };
		a->query_of[i] = (uint8_t)(a->n - 1);
	}
	routes_find_many(&t->routes, a->queries, a->n);
}

/* Null: the buffer has its verdict. */
static struct wg_tunnel_peer *answer(const struct asked *a, size_t i, struct wg_buf *buf,
				     struct tally *tally)
{
	struct wg_tunnel_peer *peer;

	if (a->query_of[i] == NO_QUERY)
		return NULL;
	peer = owner_peer(a->queries[a->query_of[i]].owner);
	if (!peer) {
		verdict(tally, buf, WG_DONE, WG_DROP_NO_PEER);
		return NULL;
	}
	if (!atomic_load_explicit(&peer->has_endpoint, memory_order_relaxed)) {
		verdict(tally, buf, WG_DONE, WG_DROP_NO_ENDPOINT);
		return NULL;
	}
	return peer;
}

/* Header, padding, and the AEAD's view of one packet. */
static void seal_prepare(struct aead_packet *out, struct wg_buf *buf, const struct wg_session *s,
			 uint64_t counter)
{
	uint32_t padded = buf->out_n - WG_OVERHEAD;
	uint8_t *plain = buf->dst + MSG_DATA_HEADER_BYTES;

	out->src = buf->src;
	if (padded > buf->n) { /* what follows at src need not be ours */
		if (buf->src != plain)
			memcpy(plain, buf->src, buf->n);
		memset(plain + buf->n, 0, padded - buf->n);
		out->src = plain;
	}
	msg_data_header(buf->dst, s->remote, counter);
	out->dst = plain;
	out->n = padded;
	out->counter = counter;
}

static void seal_bytes(struct wg_buf *const *bufs, size_t n, const struct wg_session *s, uint64_t first)
{
	struct aead_packet packets[RUN_MAX];

	for (size_t i = 0; i < n; i++)
		seal_prepare(&packets[i], bufs[i], s, first + i);
	aead_seal_run(packets, n, &s->tx_key);
}

/* What is to be sent by: the next session as soon as something came by it, even before control, which was
 * asked to, has moved it. A peer that lost the one before would not hear our answer otherwise. */
static struct wg_session *session_to_send_by(const struct session_slots *s)
{
	if (s->next && atomic_load(&s->next->was_heard))
		return s->next;
	return s->current;
}

uint32_t tunnel_sealed_size(const struct wg_tunnel *t, uint32_t n)
{
	size_t mtu = atomic_load_explicit(&t->mtu, memory_order_relaxed);

	return (uint32_t)packet_padded(n, mtu) + WG_OVERHEAD;
}

static void seal_flush(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
		       struct seal_run *run, struct tally *tally)
{
	struct wg_tunnel_peer *peer = run->peer;
	struct wg_session *s = run->n ? session_to_send_by(&peer->sessions) : NULL;
	size_t taken = 0, i;
	uint64_t first, bytes = 0;

	if (session_can_send(s, now_ns) &&
	    !atomic_load_explicit(&peer->is_held, memory_order_relaxed))
		taken = session_take_counters(s, run->n, &first);
	for (i = 0; i < taken; i++) {
		if (!run->bufs[i]->out_n)
			run->bufs[i]->out_n = tunnel_sealed_size(t, run->bufs[i]->n);
		run->bufs[i]->path = (uint16_t)b->n_paths;
		verdict(tally, run->bufs[i], WG_TO_UDP, WG_DROP_NONE);
		bytes += run->bufs[i]->out_n;
	}
	if (taken < run->n)
		atomic_store_explicit(&peer->is_held, true, memory_order_relaxed);
	for (; i < run->n; i++)
		verdict(tally, run->bufs[i], WG_CONTROL, WG_DROP_NONE);
	run->n = 0;
	if (taken == 0)
		return;
	if (run->runs)
		run->runs[b->n_paths] = (struct wg_run){ s, first };
	else
		seal_bytes(run->bufs, taken, s, first);
	peer_path(peer, &b->paths[b->n_paths]);
	b->paths[b->n_paths++].tx_index = s->local;
	count_bytes(&peer->tx_bytes, bytes);
	data_wake(t, peer, timers_sent(&peer->timers, now_ns, true));
	if (session_is_stale(s, now_ns) &&
	    now_ns >= atomic_load_explicit(&peer->may_initiate_ns, memory_order_relaxed))
		peer_poke(t, peer, POKE_REKEY);
}

/* The work that was put off: a run's buffers are those of one path. */
static void seal_noted(const struct wg_batch *b, const struct wg_run *runs)
{
	struct wg_buf *bufs[RUN_MAX];
	size_t n = 0;

	for (size_t i = 0; i <= b->n; i++) {
		if (i < b->n && b->bufs[i].verdict != WG_TO_UDP)
			continue;
		if (n > 0 && (i == b->n || b->bufs[i].path != bufs[0]->path)) {
			const struct wg_run *run = &runs[bufs[0]->path];
			seal_bytes(bufs, n, run->session, run->counter);
			n = 0;
		}
		if (i < b->n)
			bufs[n++] = &b->bufs[i];
	}
}

static void seal_some(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, size_t from,
		      size_t n, struct seal_run *run, struct tally *tally)
{
	struct asked asked;

	ask(&asked, t, b->bufs + from, n, tally);
	for (size_t i = 0; i < n; i++) {
		struct wg_buf *buf = &b->bufs[from + i];
		struct wg_tunnel_peer *peer = answer(&asked, i, buf, tally);

		if (!peer)
			continue;
		if (run->peer != peer || run->n == RUN_MAX)
			seal_flush(t, now_ns, b, run, tally);
		run->peer = peer;
		run->bufs[run->n++] = buf;
	}
}

static void seal_all(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, struct wg_run *runs)
{
	struct tally tally = { { 0 } };
	struct seal_run run;

	run.peer = NULL;
	run.runs = runs;
	run.n = 0;
	b->n_paths = 0;
	for (size_t from = 0; from < b->n; from += RUN_MAX)
		seal_some(t, now_ns, b, from, b->n - from < RUN_MAX ? b->n - from : RUN_MAX, &run,
			  &tally);
	seal_flush(t, now_ns, b, &run, &tally);
	tally_add(t, &tally);
}

void tunnel_tx_failed(struct wg_tunnel *t, const struct wg_path *path, uint64_t bytes)
{
	const struct index_slot *slot = path->tx_index ? index_find(&t->indices, path->tx_index) : NULL;
	struct wg_tunnel_peer *p;

	if (!slot) /* the session is gone, or it was a cookie reply */
		return;
	p = slot->kind == INDEX_HANDSHAKE ? slot->what : ((struct wg_session *)slot->what)->peer;
	atomic_fetch_sub_explicit(&p->tx_bytes, bytes, memory_order_relaxed);
}

void tunnel_seal(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	seal_all(t, now_ns, b, NULL);
}

void tunnel_seal_in_order(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
			  const struct wg_seal_order *order)
{
	seal_all(t, now_ns, b, order->runs);
	order->counters_reserved(order->ctx);
	seal_noted(b, order->runs);
}

/* ---- in ---- */

struct open_run {
	struct wg_session *session;
	size_t n;
	struct wg_buf *bufs[RUN_MAX];
	struct aead_packet packets[RUN_MAX];
};

/* The session a datagram belongs to; null when it has its verdict already. */
static struct wg_session *classify(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *buf,
				   uint64_t *counter, struct tally *tally)
{
	const struct index_slot *slot;
	struct wg_session *s;
	struct wg_msg msg;

	if (!t->is_up) {
		verdict(tally, buf, WG_DONE, WG_DROP_DOWN);
		return NULL;
	}
	if (!msg_parse(&msg, buf->src, buf->n)) {
		verdict(tally, buf, WG_DONE, WG_DROP_MALFORMED);
		return NULL;
	}
	if (msg.type != MSG_DATA) {
		verdict(tally, buf, WG_CONTROL, WG_DROP_NONE);
		return NULL;
	}
	slot = index_find(&t->indices, load_le32(msg.data->receiver));
	if (!slot || slot->kind != INDEX_SESSION) {
		verdict(tally, buf, WG_DONE, WG_DROP_UNKNOWN_INDEX);
		return NULL;
	}
	s = slot->what;
	*counter = load_le64(msg.data->counter);
	if (!session_is_young(s, now_ns) || *counter >= REJECT_AFTER_MESSAGES) {
		verdict(tally, buf, WG_DONE, WG_DROP_EXPIRED);
		return NULL;
	}
	return s;
}

/* Authenticates the run and checks it for replays: bufs that pass are moved to the front. */
static void open_authenticate(struct open_run *run, struct tally *tally)
{
	struct wg_session *s = run->session;
	size_t n = 0;

	aead_open_run(run->packets, run->n, &s->rx_key);
	spin_lock(&s->rx_lock);
	for (size_t i = 0; i < run->n; i++) {
		if (!run->packets[i].ok)
			verdict(tally, run->bufs[i], WG_DONE, WG_DROP_AUTH);
		else if (!replay_accept(&s->rx_window, run->packets[i].counter))
			verdict(tally, run->bufs[i], WG_DONE, WG_DROP_REPLAY);
		else
			run->bufs[n++] = run->bufs[i];
	}
	spin_unlock(&s->rx_lock);
	run->n = n;
}

/* Protocol.md 9, steps 10 to 13: what is inside must be an IP packet of this peer. */
static enum wg_drop deliver(struct wg_tunnel *t, struct wg_buf *buf,
			    const struct wg_tunnel_peer *peer, struct looked_up *last)
{
	uint32_t n = buf->n - WG_OVERHEAD;
	struct packet_ip ip;

	if (!packet_parse(&ip, buf->dst, n) || ip.claimed > n ||
	    ip.claimed < PACKET_CLAIMED_MIN)
		return WG_DROP_NOT_IP;
	packet_merge_ecn(buf->dst, &ip, buf->tos);
	if (look_up(last, t, ip.family, ip.source) != peer)
		return WG_DROP_SOURCE;
	buf->out_n = ip.claimed;
	return WG_DROP_NONE;
}

static void ask_for_rekey(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *peer)
{
	const struct wg_session *s = peer->sessions.current;

	if (s && s->initiator && ns_since(now_ns, s->born_ns) >= LAST_MINUTE_NS &&
	    session_can_send(s, now_ns) && !atomic_exchange(&peer->was_last_minute, true))
		peer_poke(t, peer, POKE_REKEY);
}

static void open_flush(struct wg_tunnel *t, uint64_t now_ns, const struct wg_batch *b,
		       struct open_run *run, struct looked_up *last, struct tally *tally)
{
	struct wg_tunnel_peer *peer;
	uint64_t bytes = 0;
	bool data = false;

	if (run->n == 0)
		return;
	open_authenticate(run, tally);
	if (run->n == 0)
		return;
	peer = run->session->peer;
	peer_set_path(peer, &b->paths[run->bufs[run->n - 1]->path]);
	if (atomic_load_explicit(&run->session->is_next, memory_order_relaxed)) {
		atomic_store(&run->session->was_heard, true);
		peer_poke(t, peer, POKE_CONFIRM);
	}
	for (size_t i = 0; i < run->n; i++) {
		struct wg_buf *buf = run->bufs[i];
		enum wg_drop why = WG_DROP_NONE;

		if (buf->n > MSG_DATA_MIN_BYTES) {
			data = true;
			why = deliver(t, buf, peer, last);
			verdict(tally, buf, why == WG_DROP_NONE ? WG_TO_TUN : WG_DONE, why);
		} else {
			verdict(tally, buf, WG_DONE, WG_DROP_NONE); /* a keepalive */
		}
		if (why == WG_DROP_NONE)
			bytes += buf->n;
	}
	run->n = 0;
	count_bytes(&peer->rx_bytes, bytes);
	data_wake(t, peer, timers_received(&peer->timers, now_ns, data));
	ask_for_rekey(t, now_ns, peer);
}

void tunnel_open(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	struct looked_up last = { 0 };
	struct tally tally = { { 0 } };
	struct open_run run;

	run.session = NULL;
	run.n = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		uint64_t counter;
		struct wg_session *s = classify(t, now_ns, buf, &counter, &tally);

		buf->out_n = 0;
		if (!s)
			continue;
		if (run.session != s || run.n == RUN_MAX)
			open_flush(t, now_ns, b, &run, &last, &tally);
		run.session = s;
		run.packets[run.n] = (struct aead_packet){
			.dst = buf->dst, .src = buf->src + MSG_DATA_HEADER_BYTES,
			.n = buf->n - WG_OVERHEAD, .counter = counter,
		};
		run.bufs[run.n++] = buf;
	}
	open_flush(t, now_ns, b, &run, &last, &tally);
	tally_add(t, &tally);
}
