#include "sync.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

/* Peers are matched by key. Those whose prefixes may change are played in thought, prefix by
 * prefix, in the order of the file, because a prefix has one owner and goes to the last peer that
 * claims it. What differs afterwards is the patch. Peers that stay as they are cost a look. */

enum { NOBODY = 0 }; /* numbers of goals and blocks are stored + 1 */

/* Who has a prefix. */
struct claim {
	const struct ip_prefix *prefix; /* borrowed; null: an empty slot */
	uint32_t now, goal;             /* owner on the device, owner wanted: a goal, or NOBODY */
	uint32_t age; /* the goal's age when it claimed; older claims were replaced */
	bool listed;                    /* it stands in the patch */
};

struct claims {
	struct claim *slots;
	uint32_t mask;
};

/* What one public key should be. */
struct goal {
	const struct wg_peer *now;     /* null: to be created */
	uint32_t first;                /* block of the wanted file */
	uint32_t age;                  /* counts the blocks that replaced the list */
	uint32_t added, removed;       /* prefixes */
	bool is_played;                /* its prefixes may change */
};

struct sync {
	const struct wg_device *now_device, *wanted;
	const struct sync_options *o;
	struct peer_index now_index, wanted_index, last_request_index;
	uint32_t *last_same; /* by block: the last one with the same key */
	uint32_t *goal_of;   /* by block: its goal's number, valid for the last block of a key */
	uint32_t *next_same; /* by block: the next one with the same key, + 1; 0: none */
	struct goal *goals;
	uint32_t n_goals, n_staying; /* staying: peers of the device that are wanted */
	struct claims claims;
	struct wg_device *patch;
};

/* ---- prefixes ---- */

static uint32_t prefix_hash(const struct ip_prefix *p)
{
	uint64_t h = (uint64_t)p->addr.family << 8 | p->bits;

	h = (h ^ load_le64(p->addr.b)) * 0x9e3779b97f4a7c15ull;
	h ^= (h >> 29) ^ load_le64(p->addr.b + 8);
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ull; /* the last byte may differ alone */
	return (uint32_t)(h >> 32);
}

/* The slot of this prefix, or the empty one where it belongs. */
static struct claim *claim_slot(const struct claims *c, const struct ip_prefix *p)
{
	uint32_t at = prefix_hash(p) & c->mask;

	while (c->slots[at].prefix && !prefix_equal(c->slots[at].prefix, p))
		at = (at + 1) & c->mask;
	return &c->slots[at];
}

static void claims_insert(struct claims *c, const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		claim_slot(c, &peer->allowedips[i].prefix)->prefix = &peer->allowedips[i].prefix;
}

static bool claims_have_any(const struct claims *c, const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (claim_slot(c, &peer->allowedips[i].prefix)->prefix)
			return true;
	return false;
}

static bool claims_init(struct claims *c, uint64_t n)
{
	uint64_t size = 8;

	while (size < 2 * n)
		size *= 2;
	free(c->slots);
	c->slots = size <= UINT32_MAX ? calloc(size, sizeof *c->slots) : NULL;
	c->mask = (uint32_t)(size - 1);
	return c->slots != NULL;
}

static bool claim_holds(const struct sync *s, const struct claim *c)
{
	return c->goal != NOBODY && c->age == s->goals[c->goal - 1].age;
}

/* ---- goals ---- */

static uint32_t number_of(const struct sync *s, const struct goal *g)
{
	return (uint32_t)(g - s->goals) + 1;
}

static struct goal *goal_of_block(const struct sync *s, uint32_t block)
{
	return &s->goals[s->goal_of[s->last_same[block]]];
}

/* Blocks of one key, in the order of the file. */
static const struct wg_peer *first_block(const struct sync *s, const struct goal *g)
{
	return &s->wanted->peers[g->first];
}

static const struct wg_peer *next_block(const struct sync *s, const struct wg_peer *block)
{
	uint32_t next = s->next_same[block - s->wanted->peers];

	return next ? &s->wanted->peers[next - 1] : NULL;
}

/* The device's own key is never a peer of it: it would be dropped silently, at every sync again. */
static bool goal_is_own_key(const struct sync *s, const struct goal *g)
{
	return !g->now && !(s->patch->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
	       (s->now_device->flags & WG_DEVICE_HAS_PUBLIC_KEY) &&
	       memcmp(&s->now_device->public_key, &first_block(s, g)->public_key, KEY_BYTES) == 0;
}

enum { LOOK_MAX = 16 }; /* longer lists in another order are played */

static bool list_has(const struct wg_peer *peer, const struct ip_prefix *p)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (prefix_equal(&peer->allowedips[i].prefix, p))
			return true;
	return false;
}

static bool same_list(const struct wg_peer *a, const struct wg_peer *b)
{
	uint32_t n = a->n_allowedips, same = 0;

	if (n != b->n_allowedips)
		return false;
	while (same < n && prefix_equal(&a->allowedips[same].prefix, &b->allowedips[same].prefix))
		same++;
	if (same == n || n > LOOK_MAX)
		return same == n;
	for (uint32_t i = 0; i < n; i++)
		if (!list_has(a, &b->allowedips[i].prefix) ||
		    !list_has(b, &a->allowedips[i].prefix))
			return false;
	return true;
}

static bool needs_playing(const struct sync *s, const struct goal *g)
{
	const struct wg_peer *block = first_block(s, g);

	if (goal_is_own_key(s, g))
		return false;
	if (!g->now || next_block(s, block) || !(block->flags & WG_PEER_REPLACE_ALLOWEDIPS))
		return true;
	for (uint32_t i = 0; i < block->n_allowedips; i++)
		if (block->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			return true;
	return !same_list(g->now, block);
}

/* Backwards, so that every block finds the next one of its key at its goal. */
static bool goals_init(struct sync *s)
{
	uint32_t n = s->wanted->n_peers;

	s->goals = calloc((size_t)n + 1, sizeof *s->goals);
	s->goal_of = calloc((size_t)n + 1, sizeof *s->goal_of);
	s->last_same = calloc((size_t)n + 1, sizeof *s->last_same);
	s->next_same = calloc((size_t)n + 1, sizeof *s->next_same);
	if (!s->goals || !s->goal_of || !s->last_same || !s->next_same)
		return false;
	for (uint32_t i = n; i > 0; i--) {
		const struct wg_peer *block = &s->wanted->peers[i - 1];
		const struct wg_peer *last = peer_index_find(&s->wanted_index, s->wanted,
							     &block->public_key);
		uint32_t *first = &s->goals[last - s->wanted->peers].first;
		s->last_same[i - 1] = (uint32_t)(last - s->wanted->peers);
		if (last != block)
			s->next_same[i - 1] = *first + 1;
		*first = i - 1;
	}
	return true;
}

/* Goals in the order in which the file names them first. So far each stands at its last block. */
static void goals_arrange(struct sync *s)
{
	uint32_t n = s->wanted->n_peers, *first_of_last = s->goal_of;

	for (uint32_t i = 0; i < n; i++)
		first_of_last[i] = s->goals[i].first;
	memset(s->goals, 0, (size_t)n * sizeof *s->goals);
	for (uint32_t i = 0; i < n; i++) {
		const struct wg_peer *block = &s->wanted->peers[i];
		struct goal *g = &s->goals[s->n_goals];
		if (first_of_last[s->last_same[i]] != i)
			continue;
		s->n_goals++;
		g->first = i;
		g->now = peer_index_find(&s->now_index, s->now_device, &block->public_key);
		s->n_staying += g->now != NULL;
		g->is_played = needs_playing(s, g);
	}
	for (uint32_t i = 0; i < s->n_goals; i++)
		s->goal_of[s->last_same[s->goals[i].first]] = i;
}

/* ---- playing ---- */

static uint64_t count_prefixes(const struct sync *s, const struct goal *g)
{
	uint64_t n = g->now ? g->now->n_allowedips : 0;

	for (const struct wg_peer *b = first_block(s, g); b; b = next_block(s, b))
		n += b->n_allowedips;
	return n;
}

/* A table of the prefixes of all peers that are played. */
static bool claims_fill(struct sync *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_goals; i++)
		n += s->goals[i].is_played ? count_prefixes(s, &s->goals[i]) : 0;
	if (!claims_init(&s->claims, n))
		return false;
	for (uint32_t i = 0; i < s->n_goals; i++) {
		const struct goal *g = &s->goals[i];
		if (!g->is_played)
			continue;
		if (g->now)
			claims_insert(&s->claims, g->now);
		for (const struct wg_peer *b = first_block(s, g); b; b = next_block(s, b))
			claims_insert(&s->claims, b);
	}
	return true;
}

/* Also played is who shares a prefix with those that are. One round is enough for a device that has
 * every prefix once; one that does not is played whole. */
static bool claims_spread(struct sync *s)
{
	bool again = true;

	for (int round = 0; again; round++) {
		if (!claims_fill(s))
			return false;
		again = false;
		for (uint32_t i = 0; i < s->n_goals; i++) {
			struct goal *g = &s->goals[i];
			if (g->is_played || goal_is_own_key(s, g) ||
			    !(round > 1 || claims_have_any(&s->claims, g->now)))
				continue;
			g->is_played = again = true;
		}
	}
	return true;
}

static void goal_play_block(struct sync *s, struct goal *g, const struct wg_peer *block)
{
	if (block->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		g->age++;
	for (uint32_t i = 0; i < block->n_allowedips; i++) {
		struct claim *c = claim_slot(&s->claims, &block->allowedips[i].prefix);
		if (!(block->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)) {
			c->goal = number_of(s, g);
			c->age = g->age;
		} else if (c->goal == number_of(s, g)) {
			c->goal = NOBODY;
		}
	}
}

static void play(struct sync *s)
{
	for (uint32_t i = 0; i < s->n_goals; i++) {
		const struct wg_peer *now = s->goals[i].is_played ? s->goals[i].now : NULL;
		for (uint32_t j = 0; now && j < now->n_allowedips; j++) {
			struct claim *c = claim_slot(&s->claims, &now->allowedips[j].prefix);
			c->now = c->goal = i + 1;
		}
	}
	for (uint32_t i = 0; i < s->wanted->n_peers; i++) {
		const struct wg_peer *block = &s->wanted->peers[i];
		struct goal *g = goal_of_block(s, i);
		if (g->is_played)
			goal_play_block(s, g, block);
	}
	for (uint64_t i = 0; i <= s->claims.mask; i++) {
		const struct claim *c = &s->claims.slots[i];
		if (claim_holds(s, c))
			s->goals[c->goal - 1].added += c->now != c->goal;
		else if (c->now != NOBODY)
			s->goals[c->now - 1].removed++;
	}
}

/* ---- the patch ---- */

/* The scalars of all blocks of a key, later ones over earlier ones. The lists are not copied. */
static void merge(struct wg_peer *all, const struct sync *s, const struct goal *g)
{
	*all = (struct wg_peer){ .flags = WG_PEER_HAS_PUBLIC_KEY, .line = first_block(s, g)->line };
	all->public_key = first_block(s, g)->public_key;
	for (const struct wg_peer *b = first_block(s, g); b; b = next_block(s, b)) {
		if (b->flags & WG_PEER_HAS_PSK)
			all->psk = b->psk;
		if (b->flags & WG_PEER_HAS_KEEPALIVE)
			all->keepalive_s = b->keepalive_s;
		if (b->flags & WG_PEER_HAS_ENDPOINT)
			all->endpoint = b->endpoint;
		all->flags |= b->flags & WG_PEER_HAS_ENDPOINT;
	}
}

static bool endpoint_is_due(const struct sync *s, const struct wg_peer *now,
			    const struct wg_peer *want)
{
	const struct wg_peer *before;

	if (!(want->flags & WG_PEER_HAS_ENDPOINT))
		return false;
	if (!(now->flags & WG_PEER_HAS_ENDPOINT))
		return true;
	if (!s->o->last_request || endpoint_equal(&now->endpoint, &want->endpoint))
		return false;
	before = peer_index_find(&s->last_request_index, s->o->last_request, &want->public_key);
	return !before || !(before->flags & WG_PEER_HAS_ENDPOINT) ||
	       !endpoint_equal(&before->endpoint, &want->endpoint);
}

/* The whole list when something goes, else what comes. */
static bool patch_list(struct sync *s, const struct goal *g, struct wg_peer *out,
		       const struct wg_peer *from)
{
	for (uint32_t i = 0; i < from->n_allowedips; i++) {
		struct claim *c = claim_slot(&s->claims, &from->allowedips[i].prefix);
		struct wg_allowedip *a;
		if (c->goal != number_of(s, g) || !claim_holds(s, c) || c->listed ||
		    (g->removed == 0 && c->now == c->goal))
			continue;
		a = peer_add_allowedip(out);
		if (!a)
			return false;
		a->prefix = *c->prefix;
		c->listed = true;
	}
	return true;
}

static bool patch_allowedips(struct sync *s, const struct goal *g, struct wg_peer *out)
{
	if (g->added == 0 && g->removed == 0)
		return true;
	if (g->removed > 0)
		out->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	if (g->now && !patch_list(s, g, out, g->now))
		return false;
	for (const struct wg_peer *b = first_block(s, g); b; b = next_block(s, b))
		if (!patch_list(s, g, out, b))
			return false;
	return true;
}

static bool patch_peer(struct sync *s, const struct goal *g)
{
	static const struct wg_peer nothing;
	const struct wg_peer *now = g->now ? g->now : &nothing;
	struct wg_peer want, *out;
	bool psk, keepalive, endpoint, ok = true;

	merge(&want, s, g);
	psk = !mem_equal_ct(&now->psk, &want.psk, sizeof want.psk);
	keepalive = now->keepalive_s != want.keepalive_s;
	endpoint = endpoint_is_due(s, now, &want);
	if (!goal_is_own_key(s, g) &&
	    (!g->now || psk || keepalive || endpoint || g->added > 0 || g->removed > 0)) {
		out = device_add_peer(s->patch);
		if (out) {
			*out = want;
			out->flags = WG_PEER_HAS_PUBLIC_KEY | (psk ? WG_PEER_HAS_PSK : 0) |
				     (keepalive ? WG_PEER_HAS_KEEPALIVE : 0) |
				     (endpoint ? WG_PEER_HAS_ENDPOINT : 0);
		}
		ok = out && patch_allowedips(s, g, out);
	}
	mem_wipe(&want, sizeof want);
	return ok;
}

static bool patch_removals(struct sync *s)
{
	if (s->n_staying == s->now_device->n_peers)
		return true;
	for (uint32_t i = 0; i < s->now_device->n_peers; i++) {
		const struct wg_peer *p = &s->now_device->peers[i];
		struct wg_peer *out;
		if (peer_index_find(&s->wanted_index, s->wanted, &p->public_key))
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
static void clamp(struct wg_private *out, const struct wg_private *key)
{
	*out = *key;
	if (!mem_is_zero_ct(out, sizeof *out)) {
		out->b[0] &= 248;
		out->b[31] = (uint8_t)((out->b[31] & 127) | 64);
	}
}

static void patch_device(struct wg_device *patch, const struct wg_device *now,
			 const struct wg_device *wanted, const struct sync_options *o)
{
	static const struct wg_private none;
	uint32_t has = wanted->flags;
	const struct wg_private *key =
		has & WG_DEVICE_HAS_PRIVATE_KEY ? &wanted->private_key : &none;
	uint16_t port = has & WG_DEVICE_HAS_LISTEN_PORT ? wanted->listen_port : 0;
	uint32_t fwmark = has & WG_DEVICE_HAS_FWMARK ? wanted->fwmark : 0;
	struct wg_private have, want;

	clamp(&have, &now->private_key);
	clamp(&want, key);
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
	if (!peer_index_build(&s->now_index, s->now_device) ||
	    !peer_index_build(&s->wanted_index, s->wanted) ||
	    (s->o->last_request && !peer_index_build(&s->last_request_index, s->o->last_request)) || !goals_init(s))
		return false;
	goals_arrange(s);
	return claims_spread(s);
}

static void sync_free(struct sync *s)
{
	free(s->goals);
	free(s->goal_of);
	free(s->last_same);
	free(s->next_same);
	free(s->claims.slots);
	peer_index_free(&s->now_index);
	peer_index_free(&s->wanted_index);
	peer_index_free(&s->last_request_index);
}

int sync_diff(struct wg_device *patch, const struct wg_device *now, const struct wg_device *wanted,
	      const struct sync_options *o)
{
	struct sync s = { .now_device = now, .wanted = wanted, .o = o, .patch = patch };
	bool ok;

	memset(patch, 0, sizeof *patch);
	patch_device(patch, now, wanted, o);
	ok = sync_init(&s) && patch_removals(&s);
	if (ok)
		play(&s);
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
