/* Peers: endpoint and source address, staged packets, and the table by public key. */
#include "peer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_SLOTS = 16 };

struct wg_tunnel_peer *peer_create(const struct wg_public *key, uint32_t hash)
{
	struct wg_tunnel_peer *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->key = *key;
	p->hash = hash;
	timers_init(&p->timers, load_le32(key->b) ^ hash);
	p->previous_check_ns = NEVER;
	atomic_store_explicit(&p->armed_ns, NEVER, memory_order_relaxed);
	return p;
}

uint32_t peer_delete(struct wg_tunnel_peer *p, size_t *staged_total)
{
	struct wg_session *dropped[3];
	uint32_t n_staged;

	slots_rotate(&p->sessions, SESSION_CLEAR, NULL, dropped);
	for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
		session_free(dropped[i]);
	n_staged = staged_drop_all(&p->staged, staged_total);
	mem_wipe(p, sizeof *p);
	free(p);
	return n_staged;
}

void peer_path(const struct wg_tunnel_peer *p, struct wg_path *out)
{
	struct spin *lock = (struct spin *)(uintptr_t)&p->path_lock;

	spin_lock(lock);
	*out = p->path;
	spin_unlock(lock);
}

bool path_equal(const struct wg_path *a, const struct wg_path *b)
{
	return endpoint_equal(&a->remote, &b->remote) && ip_equal(&a->local, &b->local) &&
	       a->ifindex == b->ifindex;
}

static void set_path_locked(struct wg_tunnel_peer *p, const struct wg_path *path)
{
	bool has_endpoint = path->remote.addr.family != IP_NONE;

	if (!path_equal(&p->path, path))
		p->path = *path;
	if (atomic_load_explicit(&p->has_endpoint, memory_order_relaxed) != has_endpoint)
		atomic_store(&p->has_endpoint, has_endpoint);
}

void peer_set_path(struct wg_tunnel_peer *p, const struct wg_path *path)
{
	spin_lock(&p->path_lock);
	set_path_locked(p, path);
	spin_unlock(&p->path_lock);
}

void peer_learn_path(struct wg_tunnel_peer *p, const struct wg_path *path)
{
	if (path->remote.port != 0)
		peer_set_path(p, path);
}

/* Whether a data message of this session is newer than what set the path, as far as sessions tell. */
static bool session_may_roam(struct wg_tunnel_peer *p, const struct wg_session *s, uint64_t now_ns)
{
	if (s->created_ns < p->heard_created_ns)
		return ns_since(now_ns, p->heard_ns) >= ROAM_LATE_NS;
	p->heard_created_ns = s->created_ns;
	p->heard_ns = now_ns;
	return true;
}

void peer_roam(struct wg_session *s, uint64_t now_ns, uint64_t counter, const struct wg_path *path)
{
	struct wg_tunnel_peer *p = s->peer;

	spin_lock(&p->path_lock);
	if (counter >= s->path_next) {
		s->path_next = counter + 1;
		if (session_may_roam(p, s, now_ns) && path->remote.port != 0)
			set_path_locked(p, path);
	}
	spin_unlock(&p->path_lock);
}

static void path_clear_source(struct wg_path *path)
{
	path->local = (struct ip_addr){ 0 };
	path->ifindex = path->route_ifindex = path->routes_version = 0;
}

void peer_clear_source(struct wg_tunnel_peer *p)
{
	spin_lock(&p->path_lock);
	path_clear_source(&p->path);
	spin_unlock(&p->path_lock);
}

void peer_clear_source_of(struct wg_tunnel_peer *p, const struct wg_path *path)
{
	spin_lock(&p->path_lock);
	if (path_equal(&p->path, path))
		path_clear_source(&p->path);
	spin_unlock(&p->path_lock);
}

void peer_keep_source(struct wg_tunnel_peer *p, const struct wg_path *path)
{
	spin_lock(&p->path_lock);
	if (path_equal(&p->path, path)) {
		p->path.route_ifindex = path->route_ifindex;
		p->path.routes_version = path->routes_version;
	}
	spin_unlock(&p->path_lock);
}

/* ---- staged packets ---- */

static size_t staged_bytes_max(const struct staged_queue *q, size_t total)
{
	size_t of_others = total - q->bytes;

	return of_others < STAGED_BYTES_MAX ? (STAGED_BYTES_MAX - of_others) / STAGED_PEER_PART : 0;
}

bool staged_add(struct staged_queue *q, size_t *total, const uint8_t *bytes, uint32_t n,
		uint32_t *n_dropped)
{
	struct staged *s = malloc(sizeof *s + n);

	*n_dropped = 0;
	if (!s)
		return false;
	*total += sizeof *s + n;
	q->bytes += (uint32_t)sizeof *s + n;
	s->next = NULL;
	s->n = n;
	if (n > 0)
		memcpy(s->bytes, bytes, n);
	if (q->last)
		q->last->next = s;
	else
		q->first = s;
	q->last = s;
	q->n++;
	while (q->n > WG_STAGED_MAX || (q->n > 1 && q->bytes > staged_bytes_max(q, *total))) {
		*n_dropped += q->first->n > 0;
		staged_free(staged_pop(q, total));
	}
	return true;
}

struct staged *staged_pop(struct staged_queue *q, size_t *total)
{
	struct staged *s = q->first;

	if (!s)
		return NULL;
	q->first = s->next;
	if (!q->first)
		q->last = NULL;
	assert(q->n > 0 && *total >= q->bytes && q->bytes >= sizeof *s + s->n);
	q->n--;
	q->bytes -= (uint32_t)sizeof *s + s->n;
	*total -= sizeof *s + s->n;
	return s;
}

void staged_free(struct staged *s)
{
	if (!s)
		return;
	mem_wipe(s, sizeof *s + s->n);
	free(s);
}

uint32_t staged_packets(const struct staged_queue *q)
{
	uint32_t n = 0;

	for (const struct staged *s = q->first; s; s = s->next)
		n += s->n > 0;
	return n;
}

uint32_t staged_drop_all(struct staged_queue *q, size_t *total)
{
	uint32_t n = staged_packets(q);
	struct staged *s;

	while ((s = staged_pop(q, total)))
		staged_free(s);
	return n;
}

/* ---- by key ---- */

static void insert(struct wg_tunnel_peer **slots, uint32_t mask, struct wg_tunnel_peer *p)
{
	uint32_t i = p->hash & mask;

	while (slots[i])
		i = (i + 1) & mask;
	slots[i] = p;
}

bool peer_table_reserve(struct peer_table *t, uint32_t more)
{
	uint32_t size = t->slots ? t->mask + 1 : FIRST_SLOTS;
	struct wg_tunnel_peer **slots;

	while (size / 2 < (uint64_t)t->n + more) {
		if (size > UINT32_MAX / 2)
			return false;
		size *= 2;
	}
	if (t->slots && size == t->mask + 1)
		return true;
	slots = calloc(size, sizeof(struct wg_tunnel_peer *));
	if (!slots)
		return false;
	for (uint32_t i = 0; t->slots && i <= t->mask; i++)
		if (t->slots[i])
			insert(slots, size - 1, t->slots[i]);
	free(t->slots);
	t->slots = slots;
	t->mask = size - 1;
	return true;
}

void peer_table_add(struct peer_table *t, struct wg_tunnel_peer *p)
{
	assert(t->slots && t->n < t->mask / 2 + 1); /* so every probe ends at a free slot */
	insert(t->slots, t->mask, p);
	t->n++;
}

void peer_table_remove(struct peer_table *t, struct wg_tunnel_peer *p)
{
	uint32_t i = p->hash & t->mask, hole;

	while (t->slots[i] != p)
		i = (i + 1) & t->mask;
	hole = i;
	for (;;) { /* move back peers whose probe passed the hole */
		i = (i + 1) & t->mask;
		if (!t->slots[i])
			break;
		if (((i - t->slots[i]->hash) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = NULL;
	t->n--;
}

struct wg_tunnel_peer *peer_table_find(const struct peer_table *t, const struct wg_public *key,
				       uint32_t hash)
{
	if (!t->slots)
		return NULL;
	for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask)
		if (t->slots[i]->hash == hash && memcmp(&t->slots[i]->key, key, sizeof *key) == 0)
			return t->slots[i];
	return NULL;
}
