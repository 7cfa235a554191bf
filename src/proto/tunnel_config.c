/* Creation, configuration and state of a tunnel: the part of the control half that no packet reaches. */
#include "tunnel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tunnel_state.h"

enum { MTU_DEFAULT = 1420 };

struct wg_tunnel *tunnel_new(const struct wg_env *env)
{
	struct wg_tunnel *t = calloc(1, sizeof *t);
	uint8_t secret[LIMIT_SECRET_BYTES];

	if (!t)
		return NULL;
	t->env = *env;
	atomic_store(&t->mtu, MTU_DEFAULT);
	env->random(env->ctx, &t->hash_seed, sizeof t->hash_seed);
	env->random(env->ctx, secret, sizeof secret);
	limit_set_secret(&t->limit, secret);
	mem_wipe(secret, sizeof secret);
	return t;
}

void tunnel_free(struct wg_tunnel *t)
{
	struct wg_tunnel_peer *p, *next;

	if (!t)
		return;
	for (p = t->first; p; p = next) {
		next = p->next;
		(void)peer_delete(p, &t->staged_bytes);
	}
	routes_free(&t->routes);
	index_free(&t->indices);
	limit_free(&t->limit);
	free(t->peers.slots);
	free(t->timers.nodes);
	free(t->outbox.all);
	mem_wipe(t, sizeof *t);
	free(t);
}

/* ---- up and down ---- */

static void peer_up(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p)
{
	timers_persistent_now(&p->timers, now_ns);
	peer_make_ready(t, p);
	peer_rearm(t, p);
}

void tunnel_up(struct wg_tunnel *t, uint64_t now_ns)
{
	if (t->is_up)
		return;
	publish_begin(t);
	t->is_up = true;
	publish_end(t);
	for (struct wg_tunnel_peer *p = t->first; p; p = p->next)
		peer_up(t, now_ns, p);
}

static void peer_down(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	uint32_t n = staged_drop_all(&p->staged, &t->staged_bytes);

	if (n > 0)
		count_drops(t, WG_DROP_DOWN, n);
	timers_stop(&p->timers);
	peer_wipe_keys(t, p);
	mem_wipe(&p->cookie, sizeof p->cookie);
	peer_detach(t, p);
	atomic_store(&p->armed_ns, NEVER);
	atomic_store(&p->may_initiate_ns, 0);
	atomic_store(&p->last_minute_rekey_sent, false);
}

void tunnel_down(struct wg_tunnel *t)
{
	if (!t->is_up)
		return;
	publish_begin(t);
	t->is_up = false;
	publish_end(t);
	tunnel_drain_woken(t, 0); /* only empties the list: the tunnel is down */
	t->outbox.first = t->outbox.n = 0;
	for (struct wg_tunnel_peer *p = t->first; p; p = p->next)
		peer_down(t, p);
}

void tunnel_set_mtu(struct wg_tunnel *t, uint32_t mtu)
{
	atomic_store(&t->mtu, mtu);
}

/* ---- identity ---- */

static void identity_clear(struct wg_tunnel *t)
{
	t->has_identity = false;
	mem_wipe(&t->identity, sizeof t->identity);
}

static void identity_set(struct wg_tunnel *t, const struct wg_private *key)
{
	struct wg_tunnel_peer *own;

	noise_identity_init(&t->identity, key);
	t->has_identity = true;
	cookie_checker_set_key(&t->checker, &t->identity.pub);
	own = tunnel_peer_find(t, &t->identity.pub);
	if (own)
		tunnel_peer_remove(t, own);
}

/* Sessions no longer send, and a new handshake may begin immediately. They receive until they expire, as in
 * the Linux kernel. */
static void peer_expire_sessions(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	peer_wipe_handshake(t, p);
	session_stop_sending(p->sessions.next);
	session_stop_sending(p->sessions.current);
	atomic_store(&p->may_initiate_ns, 0);
	if (t->is_up && t->has_identity)
		peer_make_ready(t, p);
}

static void peer_identity_changed(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	mem_wipe(&p->ss, sizeof p->ss);
	p->has_ss = false;
	peer_expire_sessions(t, p);
}

void tunnel_expire_sessions(struct wg_tunnel *t)
{
	t->nonces_left = 0;
	t->outbox.first = t->outbox.n = 0;
	for (struct wg_tunnel_peer *p = t->first; p; p = p->next)
		peer_expire_sessions(t, p);
}

void tunnel_set_private_key(struct wg_tunnel *t, const struct wg_private *key)
{
	bool none = mem_is_zero_ct(key, sizeof *key);
	struct wg_private clamped = *key;

	x25519_clamp(&clamped);
	if (none ? t->has_identity
		 : !t->has_identity || !mem_equal_ct(&clamped, &t->identity.key, sizeof clamped)) {
		if (none)
			identity_clear(t);
		else
			identity_set(t, &clamped);
		for (struct wg_tunnel_peer *p = t->first; p; p = p->next)
			peer_identity_changed(t, p);
	}
	mem_wipe(&clamped, sizeof clamped);
}

void tunnel_private_key(const struct wg_tunnel *t, struct wg_private *out)
{
	*out = t->identity.key;
}

bool tunnel_public_key(const struct wg_tunnel *t, struct wg_public *out)
{
	*out = t->identity.pub;
	return t->has_identity;
}

/* ---- peers ---- */

/* Genuine public keys are random; the seed defeats keys that were chosen to collide. */
static uint32_t hash_of(const struct wg_tunnel *t, const struct wg_public *key)
{
	uint64_t x = t->hash_seed;

	for (size_t i = 0; i < KEY_BYTES; i += 8) {
		x = (x ^ load_le64(key->b + i)) * 0x9e3779b97f4a7c15ull;
		x ^= x >> 29;
	}
	return (uint32_t)(x >> 32);
}

struct wg_tunnel_peer *tunnel_peer_find(struct wg_tunnel *t, const struct wg_public *key)
{
	return peer_table_find(&t->peers, key, hash_of(t, key));
}

struct wg_tunnel_peer *tunnel_peer_next(struct wg_tunnel *t, struct wg_tunnel_peer *after)
{
	return after ? after->next : t->first;
}

int tunnel_reserve(struct wg_tunnel *t, size_t n_peers, size_t n_routes)
{
	struct heap_node **nodes;
	uint32_t need;

	if (n_peers > UINT32_MAX / 4 - t->peers.n)
		return -ENOMEM;
	need = t->peers.n + (uint32_t)n_peers;
	if (!peer_table_reserve(&t->peers, (uint32_t)n_peers) || !routes_reserve(&t->routes, n_routes))
		return -ENOMEM;
	if (need <= t->timers_cap)
		return 0;
	if (need < t->timers_cap * 2)
		need = t->timers_cap * 2;
	nodes = realloc(t->timers.nodes, need * sizeof(struct heap_node *));
	if (!nodes)
		return -ENOMEM;
	t->timers.nodes = nodes;
	t->timers_cap = need;
	return 0;
}

int tunnel_peer_add(struct wg_tunnel_peer **out, struct wg_tunnel *t, const struct wg_public *key)
{
	uint32_t hash = hash_of(t, key);
	struct wg_tunnel_peer *p = peer_table_find(&t->peers, key, hash);

	*out = p;
	if (p)
		return -EEXIST;
	if (t->has_identity && memcmp(key, &t->identity.pub, sizeof *key) == 0)
		return -EADDRINUSE;
	if (tunnel_reserve(t, 1, 0) < 0)
		return -ENOMEM;
	p = peer_create(key, hash);
	if (!p)
		return -ENOMEM;
	/* The peer may have been removed before, and remembers our last timestamp. */
	memcpy(p->sent_timestamp, t->removed_timestamp, sizeof p->sent_timestamp);
	p->shard = t->next_shard++;
	peer_table_add(&t->peers, p);
	p->prev = t->last;
	if (t->last)
		t->last->next = p;
	else
		t->first = p;
	t->last = p;
	*out = p;
	return 0;
}

void tunnel_peer_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	publish_begin(t); /* from here on no reader section finds the peer by address */
	routes_remove_all(&t->routes, &p->routes);
	publish_end(t);
	peer_wipe_keys(t, p);
	mem_wipe(&p->cookie, sizeof p->cookie);
	peer_detach(t, p);
	assert(p->timer.position == 0 && !p->is_ready && !p->in_held_list && t->n_initiators == 0);
	peer_table_remove(&t->peers, p);
	if (memcmp(p->sent_timestamp, t->removed_timestamp, sizeof p->sent_timestamp) > 0)
		memcpy(t->removed_timestamp, p->sent_timestamp, sizeof p->sent_timestamp);
	if (p->prev)
		p->prev->next = p->next;
	else
		t->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		t->last = p->prev;
	count_drops(t, WG_DROP_PEER_REMOVED, peer_delete(p, &t->staged_bytes));
}

void tunnel_peer_set_psk(struct wg_tunnel *t, struct wg_tunnel_peer *p, const struct wg_psk *psk)
{
	(void)t;
	p->psk = *psk;
}

void tunnel_peer_set_endpoint(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			      const struct ip_endpoint *endpoint)
{
	struct wg_path path = { .remote = *endpoint };

	(void)t;
	peer_set_path(p, &path);
}

void tunnel_peer_set_keepalive(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       uint16_t seconds)
{
	uint16_t before = atomic_exchange(&p->timers.persistent_s, seconds);

	if (!t->is_up)
		return;
	if (before == 0)
		timers_persistent_now(&p->timers, now_ns);
	peer_rearm(t, p);
}

void tunnel_peer_send_keepalive(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (t->is_up)
		peer_send_keepalive(t, p);
}

void tunnel_peer_flush(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	if (t->is_up)
		peer_make_ready(t, p);
}

/* ---- allowed IPs ---- */

int tunnel_route_add(struct wg_tunnel *t, struct wg_tunnel_peer *p, const struct ip_prefix *prefix)
{
	bool ok;

	publish_begin(t);
	ok = routes_add(&t->routes, &p->routes, prefix);
	publish_end(t);
	return ok ? 0 : -ENOMEM;
}

void tunnel_route_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			 const struct ip_prefix *prefix)
{
	publish_begin(t);
	routes_remove(&t->routes, &p->routes, prefix);
	publish_end(t);
}

void tunnel_route_clear(struct wg_tunnel *t, struct wg_tunnel_peer *p)
{
	publish_begin(t);
	routes_remove_all(&t->routes, &p->routes);
	publish_end(t);
}

/* The cursor is the number of the last route, cast to a pointer. */
bool tunnel_peer_route_next(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
			    const void **cursor, struct ip_prefix *out)
{
	uint32_t number = routes_next(&t->routes, &p->routes, (uint32_t)(uintptr_t)*cursor, out);

	if (!number)
		return false;
	*cursor = (const void *)(uintptr_t)number;
	return true;
}

/* ---- state ---- */

void tunnel_peer_state(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		       struct wg_peer_state *out)
{
	struct wg_path path;

	(void)t;
	peer_path(p, &path);
	*out = (struct wg_peer_state){
		.public_key = p->key,
		.psk = p->psk,
		.endpoint = path.remote,
		.keepalive_s = atomic_load(&p->timers.persistent_s),
		.handshake_s = p->handshake_s,
		.handshake_ns = p->handshake_ns,
		.rx_bytes = atomic_load(&p->rx_bytes),
		.tx_bytes = atomic_load(&p->tx_bytes),
	};
}

void tunnel_clear_sources(struct wg_tunnel *t)
{
	for (struct wg_tunnel_peer *p = t->first; p; p = p->next)
		peer_clear_source(p);
}

void tunnel_set_yield(void (*yield)(void))
{
	spin_set_yield(yield);
}

bool tunnel_use_cpu(const char *features)
{
	uint32_t mask;

	if (!features || !*features || strcmp(features, "auto") == 0)
		return true;
	if (!cpu_parse(&mask, features))
		return false;
	crypto_restrict(mask);
	return true;
}

const char *tunnel_crypto_impl(const char *primitive)
{
	return crypto_impl_name(primitive);
}

bool tunnel_self_test(void)
{
	return crypto_self_test();
}
