/* The data half: packets from TUN to datagrams, and datagrams to packets (whitepaper section 3).
 * Runs in reader sections, in several threads at once, and allocates nothing. Consecutive packets of
 * one session form a run: one reservation of counters, one call of the AEAD, one lock of the replay
 * window, one store per timer. */
#include "tunnel_state.h"

#include <assert.h>

enum { RUN_MAX = 64 };

struct tally { /* drops of one call, added to the shared counters at its end */
	uint64_t drops[WG_DROP_COUNT];
	uint64_t keepalives; /* received */
};

static void set_verdict(struct tally *tally, struct wg_buf *buf, enum wg_verdict v, enum wg_drop drop)
{
	buf->verdict = (uint8_t)v;
	buf->drop = (uint8_t)drop;
	if (drop != WG_DROP_NONE)
		tally->drops[drop]++;
}

static void tally_flush(struct wg_tunnel *t, const struct tally *tally)
{
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		if (tally->drops[i])
			count_drops(t, i, tally->drops[i]);
	if (tally->keepalives)
		count_event(t, WG_EVENT_KEEPALIVE_RECEIVED, tally->keepalives);
}

void peer_wake(struct wg_tunnel *t, struct wg_tunnel_peer *p, enum peer_wake why)
{
	struct wg_tunnel_peer *head;

	assert(why != 0); /* wake_reasons of a listed peer are nonzero */
	if (atomic_fetch_or(&p->wake_reasons, why))
		return; /* in the list already, or another thread is about to add it */
	head = atomic_load(&t->wake_list);
	do
		p->wake_next = head;
	while (!atomic_compare_exchange_weak(&t->wake_list, &head, p));
}

/* A timer started: wakes control if its deadline is before the one that control has armed. */
static void wake_for_timer(struct wg_tunnel *t, struct wg_tunnel_peer *p, uint64_t at_ns)
{
	if (at_ns != NEVER && at_ns < atomic_load(&p->armed_ns))
		peer_wake(t, p, WAKE_TIMER);
}

static struct wg_tunnel_peer *owner_peer(struct routes_owner *owner)
{
	return owner ? container_of(owner, struct wg_tunnel_peer, routes) : NULL;
}

/* The last look-up among the allowed IPs: the next packet usually has the same address. */
struct route_cache {
	struct wg_tunnel_peer *peer;
	uint8_t family; /* IP_NONE: empty */
	uint8_t address[16];
};

static struct wg_tunnel_peer *peer_of_address(struct route_cache *last, const struct wg_tunnel *t,
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

/* ---- sending: packets from TUN ---- */

struct seal_run {
	struct wg_tunnel_peer *peer;
	struct wg_run *runs; /* null: encrypt at once; otherwise session and first counter, by path */
	size_t n;
	struct wg_buf *bufs[RUN_MAX];
};

enum { NO_QUERY = 0xff };

struct destinations { /* of up to RUN_MAX buffers; neighbours with the same address share a query */
	struct route_query queries[RUN_MAX];
	uint8_t query_of[RUN_MAX];
	size_t n;
};
_Static_assert((int)RUN_MAX <= (int)ROUTE_QUERIES_MAX && (int)RUN_MAX < (int)NO_QUERY, "queries");

static bool is_last_query(const struct destinations *d, const struct packet_ip *ip)
{
	const struct route_query *last;

	if (d->n == 0)
		return false;
	last = &d->queries[d->n - 1];
	return last->family == ip->family &&
	       memcmp(last->address, ip->destination, ip->family == IP_V4 ? 4 : 16) == 0;
}

/* Looks up the destination address of every buffer among the allowed IPs (cryptokey routing); buffers that
 * are not IP packets have a verdict afterwards. */
static void look_up_destinations(struct destinations *d, const struct wg_tunnel *t, struct wg_buf *bufs,
				 size_t n, struct tally *tally)
{
	d->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct packet_ip ip;

		d->query_of[i] = NO_QUERY;
		if (!t->is_up) {
			set_verdict(tally, &bufs[i], WG_DONE, WG_DROP_DOWN);
			continue;
		}
		if (!packet_parse(&ip, bufs[i].src, bufs[i].n)) {
			set_verdict(tally, &bufs[i], WG_DONE, WG_DROP_NOT_IP);
			continue;
		}
		bufs[i].tos = packet_outer_tos(ip.tos);
		if (!is_last_query(d, &ip))
			d->queries[d->n++] = (struct route_query){
				.address = ip.destination, .family = (uint8_t)ip.family };
		d->query_of[i] = (uint8_t)(d->n - 1);
	}
	routes_find_many(&t->routes, d->queries, d->n);
}

/* The peer that buffer i goes to. Null: none, and the buffer has its verdict. */
static struct wg_tunnel_peer *destination_peer(const struct destinations *d, size_t i, struct wg_buf *buf,
					       struct tally *tally)
{
	struct wg_tunnel_peer *peer;

	if (d->query_of[i] == NO_QUERY)
		return NULL;
	peer = owner_peer(d->queries[d->query_of[i]].owner);
	if (!peer) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_NO_PEER);
		return NULL;
	}
	if (!atomic_load_explicit(&peer->has_endpoint, memory_order_relaxed)) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_NO_ENDPOINT);
		return NULL;
	}
	return peer;
}

/* Writes header and padding, and fills in the packet for the AEAD. */
static void seal_prepare(struct aead_packet *out, struct wg_buf *buf, const struct wg_session *s,
			 uint64_t counter)
{
	uint32_t padded = buf->out_n - WG_OVERHEAD;
	uint8_t *plain = buf->dst + MSG_DATA_HEADER_BYTES;

	out->src = buf->src;
	if (padded > buf->n) { /* src need not have space for the padding */
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

/* The session for sending: `next` as soon as it has received a packet, even if control, which was
 * woken, has not made it current yet. Otherwise a peer that lost the current session could not
 * decrypt our answer. */
static struct wg_session *sending_session(const struct session_slots *s)
{
	if (s->next && atomic_load(&s->next->has_received))
		return s->next;
	return s->current;
}

uint32_t tunnel_sealed_size(const struct wg_tunnel *t, uint32_t n)
{
	size_t mtu = atomic_load_explicit(&t->mtu, memory_order_relaxed);

	return (uint32_t)packet_padded(n, mtu) + WG_OVERHEAD;
}

/* Leaves the packets from `first` on to control, as many as fit the peer's share. can_send: control sends them at once. */
static void leave_to_control(struct wg_tunnel *t, const struct seal_run *run, size_t first, bool can_send,
			     struct tally *tally)
{
	uint32_t part = can_send ? SHARE_SENDING_PART : SHARE_PEER_PART;

	for (size_t i = first; i < run->n; i++) {
		struct wg_buf *buf = run->bufs[i];

		if (t->must_hold && !share_take(&t->to_control, &run->peer->to_control, buf->n, part)) {
			set_verdict(tally, buf, WG_DONE, WG_DROP_STAGED_FULL);
			continue;
		}
		set_verdict(tally, buf, WG_CONTROL, WG_DROP_NONE);
		atomic_store_explicit(&run->peer->is_held, true, memory_order_relaxed);
	}
}

/* Ends the run: reserves counters and encrypts, or leaves the packets to control if no session can
 * send them. They go there, too, while control has older packets of the peer (is_held). */
static void seal_flush(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
		       struct seal_run *run, struct tally *tally)
{
	struct wg_tunnel_peer *peer = run->peer;
	struct wg_session *s = run->n ? sending_session(&peer->sessions) : NULL;
	size_t reserved = 0, i;
	uint64_t first, bytes = 0;

	assert(run->n <= RUN_MAX);
	if (session_can_send(s, now_ns) &&
	    !atomic_load_explicit(&peer->is_held, memory_order_relaxed))
		reserved = session_reserve_counters(s, run->n, &first);
	for (i = 0; i < reserved; i++) {
		if (!run->bufs[i]->out_n)
			run->bufs[i]->out_n = tunnel_sealed_size(t, run->bufs[i]->n);
		run->bufs[i]->path = (uint16_t)b->n_paths;
		set_verdict(tally, run->bufs[i], WG_TO_UDP, WG_DROP_NONE);
		bytes += run->bufs[i]->out_n;
	}
	if (reserved < run->n)
		leave_to_control(t, run, reserved, session_can_send(s, now_ns), tally);
	run->n = 0;
	if (reserved == 0)
		return;
	if (run->runs)
		run->runs[b->n_paths] = (struct wg_run){ s, first };
	else
		seal_bytes(run->bufs, reserved, s, first);
	assert(b->n_paths < b->n); /* one path for a run of at least one buffer */
	peer_path(peer, &b->paths[b->n_paths]);
	b->paths[b->n_paths++].tx_index = s->local;
	count_bytes(&peer->tx_bytes, bytes);
	wake_for_timer(t, peer, timers_sent(&peer->timers, now_ns, true));
	if (session_needs_rekey(s, now_ns) &&
	    now_ns >= atomic_load_explicit(&peer->may_initiate_ns, memory_order_relaxed))
		peer_wake(t, peer, WAKE_REKEY);
}

/* Encrypts what seal_all reserved counters for: the buffers of a run are those with one path. */
static void seal_deferred(const struct wg_batch *b, const struct wg_run *runs)
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

static void seal_chunk(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, size_t from,
		       size_t n, struct seal_run *run, struct tally *tally)
{
	struct destinations destinations;

	look_up_destinations(&destinations, t, b->bufs + from, n, tally);
	for (size_t i = 0; i < n; i++) {
		struct wg_buf *buf = &b->bufs[from + i];
		struct wg_tunnel_peer *peer = destination_peer(&destinations, i, buf, tally);

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
	struct tally tally = { .keepalives = 0 };
	struct seal_run run; /* not initialised as a whole: the array is large */

	run.peer = NULL;
	run.runs = runs;
	run.n = 0;
	b->n_paths = 0;
	for (size_t from = 0; from < b->n; from += RUN_MAX)
		seal_chunk(t, now_ns, b, from, b->n - from < RUN_MAX ? b->n - from : RUN_MAX, &run,
			   &tally);
	seal_flush(t, now_ns, b, &run, &tally);
	tally_flush(t, &tally);
}

/* Null: the session was removed, or it was a cookie reply. */
static struct wg_tunnel_peer *peer_of_path(const struct wg_tunnel *t, const struct wg_path *path)
{
	const struct index_slot *slot = path->tx_index ? index_find(&t->indices, path->tx_index) : NULL;

	if (!slot)
		return NULL;
	return slot->kind == INDEX_HANDSHAKE ? slot->object : ((struct wg_session *)slot->object)->peer;
}

/* Not below zero, whatever the caller says. */
static void uncount_bytes(_Atomic uint64_t *bytes, uint64_t n)
{
	uint64_t before = atomic_load_explicit(bytes, memory_order_relaxed), after;

	do
		after = before > n ? before - n : 0;
	while (!atomic_compare_exchange_weak_explicit(bytes, &before, after, memory_order_relaxed, memory_order_relaxed));
}

void tunnel_tx_failed(struct wg_tunnel *t, const struct wg_path *path, unsigned int datagrams, uint64_t bytes,
		      enum wg_drop why)
{
	struct wg_tunnel_peer *p = peer_of_path(t, path);

	count_drops(t, why, datagrams);
	if (p)
		uncount_bytes(&p->tx_bytes, bytes);
}

void tunnel_clear_source(struct wg_tunnel *t, const struct wg_path *path)
{
	struct wg_tunnel_peer *p = peer_of_path(t, path);

	if (p)
		peer_clear_source_of(p, path);
}

void tunnel_keep_source(struct wg_tunnel *t, const struct wg_path *path)
{
	struct wg_tunnel_peer *p = peer_of_path(t, path);

	if (p)
		peer_keep_source(p, path);
}

void tunnel_seal(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	seal_all(t, now_ns, b, NULL);
}

uint32_t *tunnel_run_order(const struct wg_run *runs, size_t i)
{
	const struct wg_session *s = runs[i].session;

	return &s->peer->send_order;
}

void tunnel_seal_in_order(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
			  const struct wg_seal_order *order)
{
	seal_all(t, now_ns, b, order->runs);
	order->counters_reserved(order->ctx);
	seal_deferred(b, order->runs);
}

/* ---- receiving: datagrams from UDP ---- */

struct open_run {
	struct wg_session *session;
	size_t n;
	struct wg_buf *bufs[RUN_MAX];
	struct aead_packet packets[RUN_MAX];
	uint64_t newest; /* counter */
	uint16_t newest_path;
};

/* Whether control has to see the handshake message. Responses and cookie replies name an index of ours; guessing one
 * is hopeless, so a flood of them ends here. */
static enum wg_drop check_handshake(const struct wg_tunnel *t, const struct wg_msg *msg)
{
	const struct index_slot *slot;

	switch (msg->type) {
	case MSG_RESPONSE:
		slot = index_find(&t->indices, load_le32(msg->response->receiver));
		return slot && slot->kind == INDEX_HANDSHAKE ? WG_DROP_NONE : WG_DROP_HANDSHAKE;
	case MSG_COOKIE:
		return index_find(&t->indices, load_le32(msg->cookie->receiver)) ? WG_DROP_NONE : WG_DROP_COOKIE;
	case MSG_INITIATION:
	case MSG_DATA:
		break;
	}
	return WG_DROP_NONE;
}

/* The session and counter of a data message. Null: dropped, or a handshake message, and the buffer
 * has its verdict. */
static struct wg_session *find_session(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *buf,
				       uint64_t *counter, struct tally *tally)
{
	const struct index_slot *slot;
	struct wg_session *s;
	struct wg_msg msg;

	if (!t->is_up) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_RX_DOWN);
		return NULL;
	}
	if (!msg_parse(&msg, buf->src, buf->n)) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_MALFORMED);
		return NULL;
	}
	if (msg.type != MSG_DATA) {
		enum wg_drop why = check_handshake(t, &msg);
		set_verdict(tally, buf, why == WG_DROP_NONE ? WG_CONTROL : WG_DONE, why);
		return NULL;
	}
	slot = index_find(&t->indices, load_le32(msg.data->receiver));
	if (!slot || slot->kind != INDEX_SESSION) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_UNKNOWN_INDEX);
		return NULL;
	}
	s = slot->object;
	assert(s->local == slot->index);
	*counter = load_le64(msg.data->counter);
	if (session_is_expired(s, now_ns) || *counter >= REJECT_AFTER_MESSAGES) {
		set_verdict(tally, buf, WG_DONE, WG_DROP_EXPIRED);
		return NULL;
	}
	return s;
}

/* Moves buffer i, which is authentic, to place `to`. */
static void keep_authentic(struct open_run *run, size_t to, size_t i)
{
	if (run->packets[i].counter >= run->newest) {
		run->newest = run->packets[i].counter;
		run->newest_path = run->bufs[i]->path;
	}
	run->bufs[to] = run->bufs[i];
}

/* Decrypts the run, then checks the authentic packets for replays: a forged counter must not move
 * the window. Buffers that pass move to the front; *run stores the greatest counter among them, and its path. */
static void open_authenticate(struct open_run *run, struct tally *tally)
{
	struct wg_session *s = run->session;
	size_t n = 0;

	run->newest = 0;
	aead_open_run(run->packets, run->n, &s->rx_key);
	spin_lock(&s->rx_lock);
	for (size_t i = 0; i < run->n; i++) {
		if (!run->packets[i].ok)
			set_verdict(tally, run->bufs[i], WG_DONE, WG_DROP_AUTH);
		else if (!replay_accept(&s->rx_window, run->packets[i].counter))
			set_verdict(tally, run->bufs[i], WG_DONE, WG_DROP_REPLAY);
		else
			keep_authentic(run, n++, i);
	}
	spin_unlock(&s->rx_lock);
	run->n = n;
}

/* Checks the decrypted packet: a whole IP packet, whose source address is among the allowed IPs of the
 * peer that sent it (cryptokey routing, whitepaper section 2). Merges the outer congestion mark and
 * removes the padding. */
static enum wg_drop decapsulate(struct wg_tunnel *t, struct wg_buf *buf,
				const struct wg_tunnel_peer *peer, struct route_cache *last)
{
	uint32_t n = buf->n - WG_OVERHEAD;
	struct packet_ip ip;

	if (!packet_parse(&ip, buf->dst, n) || ip.claimed > n ||
	    ip.claimed < PACKET_CLAIMED_MIN)
		return WG_DROP_INNER_NOT_IP;
	packet_merge_ecn(buf->dst, &ip, buf->tos);
	if (peer_of_address(last, t, ip.family, ip.source) != peer)
		return WG_DROP_SOURCE;
	buf->out_n = ip.claimed;
	return WG_DROP_NONE;
}

/* Rekeys in the last seconds of a session, once, although nothing is sent (whitepaper section 6.2). */
static void rekey_on_receive(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *peer)
{
	const struct wg_session *s = peer->sessions.current;

	if (s && s->initiator && ns_since(now_ns, s->created_ns) >= LAST_MINUTE_NS &&
	    session_can_send(s, now_ns) && !atomic_exchange(&peer->last_minute_rekey_sent, true))
		peer_wake(t, peer, WAKE_REKEY);
}

/* Ends the run. Everything after open_authenticate acts on authentic packets only: roaming (the
 * source of the newest datagram becomes the endpoint, whitepaper section 2.1; an older one that comes
 * later does not), confirmation of the session, byte counts and timers. */
static void open_flush(struct wg_tunnel *t, uint64_t now_ns, const struct wg_batch *b,
		       struct open_run *run, struct route_cache *last, struct tally *tally)
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
	peer_roam(run->session, now_ns, run->newest, &b->paths[run->newest_path]);
	if (atomic_load_explicit(&run->session->is_next, memory_order_relaxed)) {
		atomic_store(&run->session->has_received, true);
		peer_wake(t, peer, WAKE_CONFIRM);
	}
	for (size_t i = 0; i < run->n; i++) {
		struct wg_buf *buf = run->bufs[i];
		enum wg_drop why = WG_DROP_NONE;

		if (buf->n > MSG_DATA_MIN_BYTES) {
			data = true;
			why = decapsulate(t, buf, peer, last);
			set_verdict(tally, buf, why == WG_DROP_NONE ? WG_TO_TUN : WG_DONE, why);
		} else {
			set_verdict(tally, buf, WG_DONE, WG_DROP_NONE);
			tally->keepalives++;
		}
		if (why == WG_DROP_NONE)
			bytes += buf->n;
	}
	run->n = 0;
	count_bytes(&peer->rx_bytes, bytes);
	wake_for_timer(t, peer, timers_received(&peer->timers, now_ns, data));
	rekey_on_receive(t, now_ns, peer);
}

void tunnel_open(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	struct route_cache last = { 0 };
	struct tally tally = { .keepalives = 0 };
	struct open_run run; /* not initialised as a whole: the arrays are large */

	run.session = NULL;
	run.n = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		uint64_t counter;
		struct wg_session *s = find_session(t, now_ns, buf, &counter, &tally);

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
	tally_flush(t, &tally);
}
