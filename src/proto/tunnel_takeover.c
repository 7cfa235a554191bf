/* Hand-over of a tunnel to another process: all state whose loss a peer would notice, as one sequence of fields that the same
 * functions write and read. It does not include handshakes in progress, packets that wait for one, which are only
 * counted, and derived values. */
#include "tunnel_state.h"

#include <errno.h>

#include "base/codec.h"
#include "base/mem.h"

/* Where the receiver starts to count, beyond what the sender has used: as much as may be in flight in all data threads, so
 * that not even a batch that left late has the counter of another packet. Small against the replay window of the peer, so
 * that what is on its way is still accepted. */
enum { COUNTER_ADVANCE = 1024 };

static void shared_u64(struct codec *c, _Atomic uint64_t *field)
{
	uint64_t value = atomic_load(field);

	codec_u64(c, &value);
	if (c->is_reading)
		atomic_store(field, value);
}

static void shared_bool(struct codec *c, _Atomic bool *field)
{
	bool value = atomic_load(field);

	codec_bool(c, &value);
	if (c->is_reading)
		atomic_store(field, value);
}

/* ---- paths and prefixes ---- */

static void address_field(struct codec *c, struct ip_addr *a)
{
	codec_u8(c, &a->family);
	codec_require(c, a->family == IP_NONE || a->family == IP_V4 || a->family == IP_V6);
	codec_bytes(c, a->b, sizeof a->b);
	for (size_t i = a->family == IP_NONE ? 0 : ip_bytes(a); !c->failed && i < sizeof a->b; i++)
		codec_require(c, a->b[i] == 0);
}

/* Its route is looked up again. */
static void path_fields(struct codec *c, struct wg_path *path)
{
	address_field(c, &path->remote.addr);
	codec_u16(c, &path->remote.port);
	codec_u32(c, &path->remote.scope);
	address_field(c, &path->local);
	codec_u32(c, &path->ifindex);
	codec_require(c, path->local.family == IP_NONE || path->local.family == path->remote.addr.family);
}

static void path_field(struct codec *c, struct wg_tunnel_peer *p)
{
	struct wg_path path = { .tx_index = 0 };

	if (!c->is_reading)
		peer_path(p, &path);
	path_fields(c, &path);
	if (c->is_reading && !c->failed)
		peer_set_path(p, &path);
}

static void prefix_field(struct codec *c, struct ip_prefix *prefix)
{
	struct ip_addr address = prefix->addr;

	address_field(c, &address);
	codec_u8(c, &prefix->bits);
	if (c->is_reading)
		codec_require(c, address.family != IP_NONE && prefix_make(prefix, &address, prefix->bits) &&
				 ip_equal(&address, &prefix->addr));
}

static int prefixes_read(struct codec *c, struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	struct ip_prefix prefix = { .bits = 0 };
	bool is_present;
	int error;

	for (;;) {
		codec_bool(c, &is_present);
		if (c->failed || !is_present)
			return 0;
		prefix_field(c, &prefix);
		error = c->failed ? 0 : tunnel_route_add(t, p, &prefix);
		if (error)
			return error;
	}
}

static void prefixes_write(struct codec *c, struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	struct ip_prefix prefix;
	const void *cursor = NULL;
	bool is_present;

	do {
		is_present = tunnel_peer_route_next(t, p, &cursor, &prefix);
		codec_bool(c, &is_present);
		if (is_present)
			prefix_field(c, &prefix);
	} while (is_present);
}

/* ---- sessions ---- */

static void counter_field(struct codec *c, struct wg_session *s)
{
	uint64_t next = atomic_load(&s->tx_counter);

	if (!c->is_reading)
		next = next < REJECT_AFTER_MESSAGES - COUNTER_ADVANCE ? next + COUNTER_ADVANCE : REJECT_AFTER_MESSAGES;
	codec_u64(c, &next);
	codec_require(c, next >= COUNTER_ADVANCE && next <= REJECT_AFTER_MESSAGES);
	if (c->is_reading)
		atomic_store(&s->tx_counter, c->failed ? REJECT_AFTER_MESSAGES : next);
}

static void session_fields(struct codec *c, struct wg_session *s)
{
	codec_bytes(c, &s->tx_key, sizeof s->tx_key);
	codec_bytes(c, &s->rx_key, sizeof s->rx_key);
	codec_u64(c, &s->created_ns);
	codec_u32(c, &s->local);
	codec_u32(c, &s->remote);
	codec_bool(c, &s->initiator);
	shared_bool(c, &s->has_received);
	counter_field(c, s);
	codec_u64(c, &s->rx_window.next);
	codec_bytes(c, s->rx_window.words, sizeof s->rx_window.words); /* most of the state; both processes have the same CPU */
	codec_u64(c, &s->path_next);
	codec_require(c, replay_is_valid(&s->rx_window));
}

/* True: there is a session in *slot afterwards. */
static bool slot_write(struct codec *c, struct wg_session *s)
{
	bool is_present = s != NULL;

	codec_bool(c, &is_present);
	if (s)
		session_fields(c, s);
	return is_present;
}

/* Null: none, or the fields are not valid, or out of memory (*error). */
static struct wg_session *slot_read(struct codec *c, uint64_t now_ns, struct wg_tunnel_peer *p, int *error)
{
	struct wg_keypair none = { .local = 0 };
	struct wg_session *s;
	bool is_present;

	codec_bool(c, &is_present);
	if (c->failed || !is_present)
		return NULL;
	s = session_new(p, &none, 0);
	if (!s) {
		*error = -ENOMEM;
		return NULL;
	}
	session_fields(c, s);
	codec_require(c, s->created_ns <= now_ns);
	if (!c->failed)
		return s;
	session_free(s);
	return NULL;
}

static int session_place(struct codec *c, struct wg_tunnel *t, struct wg_session *s, enum session_rotation rotation)
{
	struct wg_session *dropped[3];
	struct index_table grown;

	if (!s)
		return 0;
	codec_require(c, !index_find(&t->indices, s->local));
	if (c->failed || !index_grow(&grown, &t->indices, 1)) {
		session_free(s);
		return c->failed ? 0 : -ENOMEM;
	}
	index_grow_commit(&t->indices, &grown);
	index_free(&grown);
	index_add(&t->indices, s->local, INDEX_SESSION, s);
	slots_rotate(&s->peer->sessions, rotation, s, dropped);
	return 0;
}

/* In the order in which slots_rotate moves each to its slot. */
static int sessions_read(struct codec *c, struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	int error = 0;
	struct wg_session *previous = slot_read(c, now_ns, p, &error);
	struct wg_session *current = slot_read(c, now_ns, p, &error);
	struct wg_session *next = slot_read(c, now_ns, p, &error);

	codec_require(c, !previous || (current && !next));
	if (error || c->failed) {
		session_free(previous);
		session_free(current);
		session_free(next);
		return error;
	}
	error = session_place(c, t, previous, SESSION_INITIATED);
	if (!error && !c->failed)
		error = session_place(c, t, current, SESSION_INITIATED);
	else
		session_free(current);
	if (!error && !c->failed)
		error = session_place(c, t, next, SESSION_RESPONDED);
	else
		session_free(next);
	return error;
}

/* ---- peers ---- */

static void timer_fields(struct codec *c, struct wg_timers *timers)
{
	uint16_t persistent_s = atomic_load(&timers->persistent_s);

	codec_u16(c, &persistent_s);
	atomic_store(&timers->persistent_s, persistent_s);
	shared_u64(c, &timers->tx_unanswered_ns);
	shared_u64(c, &timers->rx_unanswered_ns);
	shared_u64(c, &timers->last_traffic_ns);
	shared_bool(c, &timers->need_another_keepalive);
	codec_u8(c, &timers->attempts);
	codec_u64(c, &timers->retransmit_at_ns);
	codec_u64(c, &timers->zero_keys_at_ns);
	codec_u64(c, &timers->first_keepalive_at_ns);
}

static void cookie_fields(struct codec *c, struct cookie_maker *m)
{
	codec_u64(c, &m->cookie_received_ns);
	codec_bytes(c, m->cookie, sizeof m->cookie);
	codec_bytes(c, m->last_mac1, sizeof m->last_mac1);
	codec_bool(c, &m->has_cookie);
	codec_bool(c, &m->has_sent_mac1);
}

static void peer_fields(struct codec *c, struct wg_tunnel_peer *p)
{
	codec_bytes(c, &p->psk, sizeof p->psk);
	shared_u64(c, &p->tx_bytes);
	shared_u64(c, &p->rx_bytes);
	codec_u64(c, &p->handshake_s);
	codec_u32(c, &p->handshake_ns);
	codec_bytes(c, p->latest_timestamp, sizeof p->latest_timestamp);
	codec_bytes(c, p->sent_timestamp, sizeof p->sent_timestamp);
	shared_u64(c, &p->may_initiate_ns);
	codec_u64(c, &p->may_accept_ns);
	shared_bool(c, &p->last_minute_rekey_sent);
	codec_u64(c, &p->previous_check_ns);
	codec_u64(c, &p->previous_next);
	timer_fields(c, &p->timers);
	cookie_fields(c, &p->cookie);
	path_field(c, p);
}

static void peer_write(struct codec *c, struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	codec_bytes(c, &p->key, sizeof p->key);
	peer_fields(c, p);
	prefixes_write(c, t, p);
	(void)slot_write(c, p->sessions.previous);
	(void)slot_write(c, p->sessions.current);
	(void)slot_write(c, p->sessions.next);
}

static int peer_read(struct codec *c, struct wg_tunnel *t, uint64_t now_ns)
{
	struct wg_tunnel_peer *p;
	struct wg_public key;
	int error;

	codec_bytes(c, &key, sizeof key);
	if (c->failed)
		return 0;
	error = tunnel_peer_add(&p, t, &key);
	codec_require(c, error != -EEXIST && error != -EADDRINUSE);
	if (error)
		return error;
	peer_fields(c, p);
	error = prefixes_read(c, t, p);
	if (!error)
		error = sessions_read(c, t, now_ns, p);
	return error;
}

/* ---- the tunnel ---- */

static void tunnel_fields(struct codec *c, struct wg_tunnel *t, struct wg_private *key)
{
	codec_bytes(c, key, sizeof *key);
	codec_bool(c, &t->is_up);
	codec_bytes(c, t->sent_timestamp, sizeof t->sent_timestamp);
	codec_bytes(c, t->removed_timestamp, sizeof t->removed_timestamp);
}

/* Packets that wait for a session are lost with the tunnel that has them, and counted by the next one. */
static void staged_field(struct codec *c, struct wg_tunnel *t)
{
	uint64_t n = 0;

	for (struct wg_tunnel_peer *p = c->is_reading ? NULL : t->first; p; p = p->next)
		n += staged_packets(&p->staged);
	codec_u64(c, &n);
	codec_require(c, n <= (uint64_t)WG_STAGED_MAX * t->peers.n);
	if (c->is_reading && !c->failed)
		count_drops(t, WG_DROP_GAVE_UP, n);
}

static void tunnel_write(struct codec *c, struct wg_tunnel *t)
{
	struct wg_private key = t->identity.key;
	bool is_present = true;

	tunnel_fields(c, t, &key);
	mem_wipe(&key, sizeof key);
	for (struct wg_tunnel_peer *p = t->first; p; p = p->next) {
		codec_bool(c, &is_present);
		peer_write(c, t, p);
	}
	is_present = false;
	codec_bool(c, &is_present);
	staged_field(c, t);
}

size_t tunnel_export_bytes(struct wg_tunnel *t)
{
	struct codec c = codec_count();

	tunnel_write(&c, t);
	return c.at;
}

bool tunnel_export(struct wg_tunnel *t, void *out, size_t n)
{
	struct codec c = codec_write(out, n);

	tunnel_write(&c, t);
	tunnel_expire_sessions(t);
	return !c.failed && c.at == n;
}

static int peers_read(struct codec *c, struct wg_tunnel *t, uint64_t now_ns)
{
	bool is_present;
	int error;

	for (;;) {
		codec_bool(c, &is_present);
		if (c->failed || !is_present)
			return 0;
		error = peer_read(c, t, now_ns);
		if (error)
			return error;
	}
}

int tunnel_import(struct wg_tunnel *t, uint64_t now_ns, const void *state, size_t n)
{
	struct codec c = codec_read(state, n);
	struct wg_private key;
	int error;

	tunnel_fields(&c, t, &key);
	if (!c.failed)
		tunnel_set_private_key(t, &key);
	mem_wipe(&key, sizeof key);
	error = c.failed ? 0 : peers_read(&c, t, now_ns);
	if (!error && !c.failed)
		staged_field(&c, t);
	if (c.failed || (!error && c.at != n))
		error = -EPROTO;
	for (struct wg_tunnel_peer *p = t->first; p && !error && t->is_up; p = p->next)
		peer_rearm(t, p);
	return error;
}
