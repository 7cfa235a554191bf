#include "sync.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/mem.h"

/* The wanted file is played on the device in thought, prefix by prefix, because a prefix has one owner
 * and goes to the last peer that claims it. What differs afterwards is the patch. */

enum { NOBODY = 0 }; /* owners are goal numbers + 1 */

/* Who has a prefix. */
struct claim {
	struct ip_prefix prefix; /* family IP_NONE: an empty slot */
	uint32_t now, goal;      /* owner on the device, owner wanted; NOBODY, or a goal's number + 1 */
	uint32_t age;            /* the goal's age when it claimed; older claims were replaced */
	bool listed;             /* it stands in the goal's list already */
};

struct claims {
	struct claim *slots;
	uint32_t mask;
};

/* What one public key should be. */
struct goal {
	const struct wg_peer *now; /* null: to be created */
	const struct wg_peer *first; /* of the wanted blocks */
	uint32_t age;              /* counts the blocks that replaced the list */
	struct wg_peer result;     /* scalars wanted; its allowedips is the whole list wanted */
	uint32_t added, removed;   /* prefixes */
};

struct sync {
	const struct wg_device *now_device, *wanted;
	const struct sync_options *o;
	struct peer_index now_index, wanted_index, before_index;
	uint32_t *goal_of; /* by number of the last wanted block with that key */
	struct goal *goals;
	uint32_t n_goals;
	struct claims claims;
	struct wg_device *patch;
};

/* ---- prefixes ---- */

static uint32_t prefix_hash(const struct ip_prefix *p)
{
	uint64_t h = (uint64_t)p->addr.family << 8 | p->bits;

	h = (h ^ load_le64(p->addr.b)) * 0x9e3779b97f4a7c15ull;
	h ^= (h >> 29) ^ load_le64(p->addr.b + 8);
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ull; /* folded: the last byte may be all that differs */
	return (uint32_t)(h >> 32);
}

static struct claim *claim_of(struct claims *c, const struct ip_prefix *p)
{
	uint32_t at = prefix_hash(p) & c->mask;

	while (c->slots[at].prefix.addr.family != IP_NONE && !prefix_equal(&c->slots[at].prefix, p))
		at = (at + 1) & c->mask;
	c->slots[at].prefix = *p;
	return &c->slots[at];
}

static bool claims_init(struct claims *c, const struct wg_device *a, const struct wg_device *b)
{
	uint64_t n = 0, size = 8;

	for (uint32_t i = 0; i < a->n_peers; i++)
		n += a->peers[i].n_allowedips;
	for (uint32_t i = 0; i < b->n_peers; i++)
		n += b->peers[i].n_allowedips;
	while (size < 2 * n)
		size *= 2;
	if (size > UINT32_MAX)
		return false;
	c->slots = calloc(size, sizeof *c->slots);
	c->mask = (uint32_t)(size - 1);
	return c->slots != NULL;
}

static bool claim_holds(const struct sync *s, const struct claim *c)
{
	return c->goal != NOBODY && c->age == s->goals[c->goal - 1].age;
}

/* ---- goals ---- */

static struct goal *goal_find(const struct sync *s, const struct wg_public *key)
{
	const struct wg_peer *last = peer_index_find(&s->wanted_index, s->wanted, key);

	return last ? &s->goals[s->goal_of[last - s->wanted->peers]] : NULL;
}

/* Claims of the device's peers that stay; of two owners the later one is right, as on the device. */
static void claims_of_now(struct sync *s)
{
	for (uint32_t i = 0; i < s->now_device->n_peers; i++) {
		const struct wg_peer *p = &s->now_device->peers[i];
		struct goal *g = goal_find(s, &p->public_key);
		for (uint32_t j = 0; j < p->n_allowedips; j++) {
			struct claim *c = claim_of(&s->claims, &p->allowedips[j].prefix);
			c->now = c->goal = g ? (uint32_t)(g - s->goals) + 1 : NOBODY;
			c->age = 0;
		}
	}
}

/* The device's own key is never a peer of it: it would be dropped silently, at every sync again. */
static bool goal_is_own_key(const struct sync *s, const struct goal *g)
{
	return !g->now && !(s->patch->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
	       (s->now_device->flags & WG_DEVICE_HAS_PUBLIC_KEY) &&
	       memcmp(&s->now_device->public_key, &g->result.public_key, KEY_BYTES) == 0;
}

static void goal_play_block(struct sync *s, struct goal *g, const struct wg_peer *block)
{
	uint32_t number = (uint32_t)(g - s->goals) + 1;

	if (goal_is_own_key(s, g))
		return;
	if (block->flags & WG_PEER_HAS_PSK)
		g->result.psk = block->psk;
	if (block->flags & WG_PEER_HAS_KEEPALIVE)
		g->result.keepalive_s = block->keepalive_s;
	if (block->flags & WG_PEER_HAS_ENDPOINT) {
		g->result.endpoint = block->endpoint;
		g->result.flags |= WG_PEER_HAS_ENDPOINT;
	}
	if (block->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		g->age++;
	for (uint32_t i = 0; i < block->n_allowedips; i++) {
		struct claim *c = claim_of(&s->claims, &block->allowedips[i].prefix);
		if (!(block->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)) {
			c->goal = number;
			c->age = g->age;
		} else if (c->goal == number) {
			c->goal = NOBODY;
		}
	}
}

static bool goals_init(struct sync *s)
{
	uint32_t n = s->wanted->n_peers;

	s->goals = calloc(n + 1, sizeof *s->goals);
	s->goal_of = calloc(n + 1, sizeof *s->goal_of);
	if (!s->goals || !s->goal_of)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct wg_peer *block = &s->wanted->peers[i];
		const struct wg_peer *last = peer_index_find(&s->wanted_index, s->wanted,
							     &block->public_key);
		uint32_t *number = &s->goal_of[last - s->wanted->peers];
		struct goal *g = &s->goals[*number];
		if (*number < s->n_goals && g->first &&
		    memcmp(&g->first->public_key, &block->public_key, sizeof block->public_key) == 0)
			continue; /* a later block of the same key */
		*number = s->n_goals;
		g = &s->goals[s->n_goals++];
		g->first = block;
		g->now = peer_index_find(&s->now_index, s->now_device, &block->public_key);
		g->result.public_key = block->public_key;
		g->result.flags = WG_PEER_HAS_PUBLIC_KEY;
	}
	return true;
}

/* A prefix that holds goes once into its goal's list, in the order of device and file. */
static bool goal_list(struct sync *s, struct goal *g, const struct wg_peer *from)
{
	uint32_t number = (uint32_t)(g - s->goals) + 1;

	for (uint32_t i = 0; i < from->n_allowedips; i++) {
		struct claim *c = claim_of(&s->claims, &from->allowedips[i].prefix);
		struct wg_allowedip *a;
		if (c->goal != number || !claim_holds(s, c) || c->listed)
			continue;
		a = peer_add_allowedip(&g->result);
		if (!a)
			return false;
		a->prefix = c->prefix;
		c->listed = true;
		g->added += c->now != number;
	}
	return true;
}

/* Prefixes that a peer has and nobody is to have. */
static void goals_count_removed(struct sync *s)
{
	for (uint64_t i = 0; i <= s->claims.mask; i++) {
		const struct claim *c = &s->claims.slots[i];
		if (c->now != NOBODY && !claim_holds(s, c))
			s->goals[c->now - 1].removed++;
	}
}

static bool goals_compute(struct sync *s)
{
	claims_of_now(s);
	for (uint32_t i = 0; i < s->wanted->n_peers; i++) {
		const struct wg_peer *block = &s->wanted->peers[i];
		goal_play_block(s, goal_find(s, &block->public_key), block);
	}
	for (uint32_t i = 0; i < s->n_goals; i++)
		if (s->goals[i].now && !goal_list(s, &s->goals[i], s->goals[i].now))
			return false;
	for (uint32_t i = 0; i < s->wanted->n_peers; i++) {
		const struct wg_peer *block = &s->wanted->peers[i];
		if (!goal_list(s, goal_find(s, &block->public_key), block))
			return false;
	}
	goals_count_removed(s);
	return true;
}

/* ---- the patch ---- */

static bool endpoint_is_due(const struct sync *s, const struct goal *g)
{
	const struct wg_peer *before;

	if (!(g->result.flags & WG_PEER_HAS_ENDPOINT))
		return false;
	if (!g->now || !(g->now->flags & WG_PEER_HAS_ENDPOINT))
		return true;
	if (!s->o->before || endpoint_equal(&g->now->endpoint, &g->result.endpoint))
		return false;
	before = peer_index_find(&s->before_index, s->o->before, &g->result.public_key);
	return !before || !(before->flags & WG_PEER_HAS_ENDPOINT) ||
	       !endpoint_equal(&before->endpoint, &g->result.endpoint);
}

static bool patch_allowedips(struct sync *s, const struct goal *g, struct wg_peer *out)
{
	uint32_t number = (uint32_t)(g - s->goals) + 1;

	if (g->removed > 0)
		out->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	for (uint32_t i = 0; i < g->result.n_allowedips; i++) {
		const struct wg_allowedip *a = &g->result.allowedips[i];
		struct wg_allowedip *copy;
		if (g->removed == 0 && claim_of(&s->claims, &a->prefix)->now == number)
			continue;
		copy = peer_add_allowedip(out);
		if (!copy)
			return false;
		*copy = *a;
	}
	return true;
}

static bool patch_peer(struct sync *s, const struct goal *g)
{
	static const struct wg_peer nothing;
	const struct wg_peer *now = g->now ? g->now : &nothing;
	bool psk = !mem_equal_ct(&now->psk, &g->result.psk, sizeof now->psk);
	bool keepalive = now->keepalive_s != g->result.keepalive_s;
	bool endpoint = endpoint_is_due(s, g);
	struct wg_peer *out;

	if (goal_is_own_key(s, g) ||
	    (g->now && !psk && !keepalive && !endpoint && g->added == 0 && g->removed == 0))
		return true;
	out = device_add_peer(s->patch);
	if (!out)
		return false;
	out->flags = WG_PEER_HAS_PUBLIC_KEY | (psk ? WG_PEER_HAS_PSK : 0) |
		     (keepalive ? WG_PEER_HAS_KEEPALIVE : 0) | (endpoint ? WG_PEER_HAS_ENDPOINT : 0);
	out->public_key = g->result.public_key;
	out->line = g->first->line;
	out->keepalive_s = g->result.keepalive_s;
	if (psk)
		out->psk = g->result.psk;
	if (endpoint)
		out->endpoint = g->result.endpoint;
	return patch_allowedips(s, g, out);
}

static bool patch_removals(struct sync *s)
{
	for (uint32_t i = 0; i < s->now_device->n_peers; i++) {
		const struct wg_peer *p = &s->now_device->peers[i];
		struct wg_peer *out;
		if (goal_find(s, &p->public_key))
			continue;
		out = device_add_peer(s->patch);
		if (!out)
			return false;
		out->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
		out->public_key = p->public_key;
	}
	return true;
}

/* As the device stores it. */
static struct wg_private clamped(struct wg_private key)
{
	if (!mem_is_zero_ct(&key, sizeof key)) {
		key.b[0] &= 248;
		key.b[31] = (uint8_t)((key.b[31] & 127) | 64);
	}
	return key;
}

static void patch_device(struct wg_device *patch, const struct wg_device *now,
			 const struct wg_device *wanted, const struct sync_options *o)
{
	static const struct wg_private none;
	uint32_t has = wanted->flags;
	const struct wg_private *key = has & WG_DEVICE_HAS_PRIVATE_KEY ? &wanted->private_key : &none;
	uint16_t port = has & WG_DEVICE_HAS_LISTEN_PORT ? wanted->listen_port : 0;
	uint32_t fwmark = has & WG_DEVICE_HAS_FWMARK ? wanted->fwmark : 0;
	struct wg_private have = clamped(now->private_key), want = clamped(*key);

	memcpy(patch->name, now->name, sizeof patch->name);
	if (((has & WG_DEVICE_HAS_PRIVATE_KEY) || !o->keep_private_key) &&
	    !mem_equal_ct(&have, &want, sizeof have)) {
		patch->flags |= WG_DEVICE_HAS_PRIVATE_KEY;
		patch->private_key = *key;
	}
	if (((has & WG_DEVICE_HAS_LISTEN_PORT) || !o->keep_listen_port) &&
	    now->listen_port != port) {
		patch->flags |= WG_DEVICE_HAS_LISTEN_PORT;
		patch->listen_port = port;
	}
	if (((has & WG_DEVICE_HAS_FWMARK) || !o->keep_fwmark) && now->fwmark != fwmark) {
		patch->flags |= WG_DEVICE_HAS_FWMARK;
		patch->fwmark = fwmark;
	}
	mem_wipe(&have, sizeof have);
	mem_wipe(&want, sizeof want);
}

static bool sync_init(struct sync *s)
{
	return peer_index_build(&s->now_index, s->now_device) &&
	       peer_index_build(&s->wanted_index, s->wanted) &&
	       (!s->o->before || peer_index_build(&s->before_index, s->o->before)) &&
	       claims_init(&s->claims, s->now_device, s->wanted) && goals_init(s);
}

static void sync_free(struct sync *s)
{
	for (uint32_t i = 0; i < s->n_goals; i++)
		peer_free(&s->goals[i].result);
	free(s->goals);
	free(s->goal_of);
	free(s->claims.slots);
	peer_index_free(&s->now_index);
	peer_index_free(&s->wanted_index);
	peer_index_free(&s->before_index);
}

int sync_diff(struct wg_device *patch, const struct wg_device *now, const struct wg_device *wanted,
	      const struct sync_options *o)
{
	struct sync s = { .now_device = now, .wanted = wanted, .o = o, .patch = patch };
	bool ok;

	memset(patch, 0, sizeof *patch);
	patch_device(patch, now, wanted, o);
	ok = sync_init(&s) && goals_compute(&s) && patch_removals(&s);
	for (uint32_t i = 0; ok && i < s.n_goals; i++)
		ok = patch_peer(&s, &s.goals[i]);
	sync_free(&s);
	if (!ok)
		device_free(patch);
	return ok ? 0 : -ENOMEM;
}

bool sync_is_empty(const struct wg_device *patch)
{
	return patch->flags == 0 && patch->n_peers == 0;
}
