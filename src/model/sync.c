/* Peers are matched by key. A prefix has one owner, the last peer that claims it, so the lists that may change are
 * simulated prefix by prefix in the order of the file. The patch holds the differences between the result and the
 * device's state. Peers with unchanged lists are only compared. */
#include "sync.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { NO_OWNER = 0 }; /* numbers of targets and blocks are stored + 1 */

/* The owner of a prefix before and after. */
struct prefix_owner {
	const struct ip_prefix *prefix; /* borrowed; null: an empty slot */
	uint32_t now, target;           /* number of the target that owns it in the state and afterwards, or NO_OWNER */
	uint32_t generation;            /* of the target's list when it claimed the prefix */
	bool listed;                    /* already in the patch */
};

struct prefix_owners {
	struct prefix_owner *slots;
	uint32_t mask;
};

/* The desired configuration of one public key, from one or more [Peer] sections ("blocks"). */
struct target {
	const struct wg_peer *now;     /* in the state; null: to be created */
	uint32_t first;                /* its first block */
	uint32_t generation;           /* incremented by each block that replaces the list; older claims are void */
	uint32_t added, removed;       /* prefixes */
	bool is_simulated;             /* its list may change */
};

struct sync {
	const struct wg_device *state, *desired;
	const struct sync_options *o;
	struct peer_index state_index, desired_index, last_request_index;
	uint32_t *last_of_key; /* by block: the last one with the same key */
	uint32_t *target_of;   /* by block: number of its target, valid for the last block of a key */
	uint32_t *next_of_key; /* by block: the next one with the same key, + 1; 0: none */
	struct target *targets;
	uint32_t n_targets, n_kept; /* kept: peers of the state that are desired */
	struct prefix_owners owners;
	struct wg_device *patch;
};

/* ---- prefixes ---- */

static uint32_t prefix_hash(const struct ip_prefix *p)
{
	uint64_t h = (uint64_t)p->addr.family << 8 | p->bits;

	h = (h ^ load_le64(p->addr.b)) * 0x9e3779b97f4a7c15ull;
	h ^= (h >> 29) ^ load_le64(p->addr.b + 8);
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ull; /* addresses may differ in the last byte only */
	return (uint32_t)(h >> 32);
}

/* The slot of this prefix, or the empty slot for it. */
static struct prefix_owner *owner_slot(const struct prefix_owners *t, const struct ip_prefix *p)
{
	uint32_t at = prefix_hash(p) & t->mask;

	while (t->slots[at].prefix && !prefix_equal(t->slots[at].prefix, p))
		at = (at + 1) & t->mask;
	return &t->slots[at];
}

static void owners_insert(struct prefix_owners *t, const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		owner_slot(t, &peer->allowedips[i].prefix)->prefix = &peer->allowedips[i].prefix;
}

static bool owners_have_any(const struct prefix_owners *t, const struct wg_peer *peer)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (owner_slot(t, &peer->allowedips[i].prefix)->prefix)
			return true;
	return false;
}

static bool owners_init(struct prefix_owners *t, uint64_t n)
{
	uint64_t size = 8;

	while (size < 2 * n) /* at most half full, so that every search ends at an empty slot */
		size *= 2;
	free(t->slots);
	t->slots = size <= UINT32_MAX ? calloc((size_t)size, sizeof *t->slots) : NULL;
	t->mask = (uint32_t)(size - 1);
	return t->slots != NULL;
}

static bool owner_is_valid(const struct sync *s, const struct prefix_owner *owner)
{
	return owner->target != NO_OWNER && owner->generation == s->targets[owner->target - 1].generation;
}

/* ---- targets ---- */

static uint32_t number_of(const struct sync *s, const struct target *t)
{
	return (uint32_t)(t - s->targets) + 1;
}

static struct target *target_of_block(const struct sync *s, uint32_t block)
{
	return &s->targets[s->target_of[s->last_of_key[block]]];
}

/* Blocks of one key, in the order of the file. */
static const struct wg_peer *first_block(const struct sync *s, const struct target *t)
{
	return &s->desired->peers[t->first];
}

static const struct wg_peer *next_block(const struct sync *s, const struct wg_peer *block)
{
	uint32_t next = s->next_of_key[block - s->desired->peers];

	return next ? &s->desired->peers[next - 1] : NULL;
}

/* A device silently drops a peer with its own key, so every sync would add it again. */
static bool target_is_own_key(const struct sync *s, const struct target *t)
{
	return !t->now && !(s->patch->flags & WG_DEVICE_HAS_PRIVATE_KEY) &&
	       (s->state->flags & WG_DEVICE_HAS_PUBLIC_KEY) &&
	       memcmp(&s->state->public_key, &first_block(s, t)->public_key, KEY_BYTES) == 0;
}

enum { COMPARE_MAX = 16 }; /* longer lists in a different order are simulated */

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
	if (same == n || n > COMPARE_MAX)
		return same == n;
	for (uint32_t i = 0; i < n; i++)
		if (!list_has(a, &b->allowedips[i].prefix) ||
		    !list_has(b, &a->allowedips[i].prefix))
			return false;
	return true;
}

static bool needs_simulation(const struct sync *s, const struct target *t)
{
	const struct wg_peer *block = first_block(s, t);

	if (target_is_own_key(s, t))
		return false;
	if (!t->now || next_block(s, block) || !(block->flags & WG_PEER_REPLACE_ALLOWEDIPS))
		return true;
	for (uint32_t i = 0; i < block->n_allowedips; i++)
		if (block->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			return true;
	return !same_list(t->now, block);
}

/* Backwards, so that each block finds the next one with its key at the target. */
static bool targets_init(struct sync *s)
{
	uint32_t n = s->desired->n_peers;

	s->targets = calloc((size_t)n + 1, sizeof *s->targets);
	s->target_of = calloc((size_t)n + 1, sizeof *s->target_of);
	s->last_of_key = calloc((size_t)n + 1, sizeof *s->last_of_key);
	s->next_of_key = calloc((size_t)n + 1, sizeof *s->next_of_key);
	if (!s->targets || !s->target_of || !s->last_of_key || !s->next_of_key)
		return false;
	for (uint32_t i = n; i > 0; i--) {
		const struct wg_peer *block = &s->desired->peers[i - 1];
		const struct wg_peer *last = peer_index_find(&s->desired_index, s->desired,
							     &block->public_key);
		uint32_t *first = &s->targets[last - s->desired->peers].first;
		s->last_of_key[i - 1] = (uint32_t)(last - s->desired->peers);
		if (last != block)
			s->next_of_key[i - 1] = *first + 1;
		*first = i - 1;
	}
	return true;
}

/* Sorts the targets by their first block; until now each has the index of its last block. */
static void targets_arrange(struct sync *s)
{
	uint32_t n = s->desired->n_peers, *first_of_last = s->target_of;

	for (uint32_t i = 0; i < n; i++)
		first_of_last[i] = s->targets[i].first;
	memset(s->targets, 0, (size_t)n * sizeof *s->targets);
	for (uint32_t i = 0; i < n; i++) {
		const struct wg_peer *block = &s->desired->peers[i];
		struct target *t = &s->targets[s->n_targets];
		if (first_of_last[s->last_of_key[i]] != i)
			continue;
		s->n_targets++;
		t->first = i;
		t->now = peer_index_find(&s->state_index, s->state, &block->public_key);
		s->n_kept += t->now != NULL;
		t->is_simulated = needs_simulation(s, t);
	}
	for (uint32_t i = 0; i < s->n_targets; i++)
		s->target_of[s->last_of_key[s->targets[i].first]] = i;
}

/* ---- simulation ---- */

static uint64_t count_prefixes(const struct sync *s, const struct target *t)
{
	uint64_t n = t->now ? t->now->n_allowedips : 0;

	for (const struct wg_peer *b = first_block(s, t); b; b = next_block(s, b))
		n += b->n_allowedips;
	return n;
}

/* Builds the table of the prefixes of all simulated peers. */
static bool owners_fill(struct sync *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n_targets; i++)
		n += s->targets[i].is_simulated ? count_prefixes(s, &s->targets[i]) : 0;
	if (!owners_init(&s->owners, n))
		return false;
	for (uint32_t i = 0; i < s->n_targets; i++) {
		const struct target *t = &s->targets[i];
		if (!t->is_simulated)
			continue;
		if (t->now)
			owners_insert(&s->owners, t->now);
		for (const struct wg_peer *b = first_block(s, t); b; b = next_block(s, b))
			owners_insert(&s->owners, b);
	}
	return true;
}

/* Adds the peers that share a prefix with a simulated one. One round of additions suffices if
 * each prefix of the state has one owner; otherwise every peer is simulated. */
static bool owners_extend(struct sync *s)
{
	bool again = true;

	for (int round = 0; again; round++) {
		if (!owners_fill(s))
			return false;
		again = false;
		for (uint32_t i = 0; i < s->n_targets; i++) {
			struct target *t = &s->targets[i];
			if (t->is_simulated || target_is_own_key(s, t) ||
			    !(round > 1 || owners_have_any(&s->owners, t->now)))
				continue;
			t->is_simulated = again = true;
		}
	}
	return true;
}

static void simulate_block(struct sync *s, struct target *t, const struct wg_peer *block)
{
	if (block->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		t->generation++;
	for (uint32_t i = 0; i < block->n_allowedips; i++) {
		struct prefix_owner *owner = owner_slot(&s->owners, &block->allowedips[i].prefix);
		if (!(block->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)) {
			owner->target = number_of(s, t);
			owner->generation = t->generation;
		} else if (owner->target == number_of(s, t)) {
			owner->target = NO_OWNER;
		}
	}
}

static void simulate(struct sync *s)
{
	for (uint32_t i = 0; i < s->n_targets; i++) {
		const struct wg_peer *now = s->targets[i].is_simulated ? s->targets[i].now : NULL;
		for (uint32_t j = 0; now && j < now->n_allowedips; j++) {
			struct prefix_owner *owner = owner_slot(&s->owners, &now->allowedips[j].prefix);
			owner->now = owner->target = i + 1;
		}
	}
	for (uint32_t i = 0; i < s->desired->n_peers; i++) {
		const struct wg_peer *block = &s->desired->peers[i];
		struct target *t = target_of_block(s, i);
		if (t->is_simulated)
			simulate_block(s, t, block);
	}
	for (uint64_t i = 0; i <= s->owners.mask; i++) {
		const struct prefix_owner *owner = &s->owners.slots[i];
		if (owner_is_valid(s, owner))
			s->targets[owner->target - 1].added += owner->now != owner->target;
		else if (owner->now != NO_OWNER)
			s->targets[owner->now - 1].removed++;
	}
}

/* ---- the patch ---- */

/* The scalar settings of all blocks of a key; later ones override earlier ones. The lists are not copied. */
static void merge_blocks(struct wg_peer *all, const struct sync *s, const struct target *t)
{
	*all = (struct wg_peer){ .flags = WG_PEER_HAS_PUBLIC_KEY, .line = first_block(s, t)->line };
	all->public_key = first_block(s, t)->public_key;
	for (const struct wg_peer *b = first_block(s, t); b; b = next_block(s, b)) {
		if (b->flags & WG_PEER_HAS_PSK)
			all->psk = b->psk;
		if (b->flags & WG_PEER_HAS_KEEPALIVE)
			all->keepalive_s = b->keepalive_s;
		if (b->flags & WG_PEER_HAS_ENDPOINT)
			all->endpoint = b->endpoint;
		all->flags |= b->flags & WG_PEER_HAS_ENDPOINT;
	}
}

static bool endpoint_must_be_sent(const struct sync *s, const struct wg_peer *now, const struct wg_peer *merged)
{
	const struct wg_peer *requested;

	if (!(merged->flags & WG_PEER_HAS_ENDPOINT))
		return false;
	if (!(now->flags & WG_PEER_HAS_ENDPOINT))
		return true;
	if (!s->o->last_request || endpoint_equal(&now->endpoint, &merged->endpoint))
		return false;
	requested = peer_index_find(&s->last_request_index, s->o->last_request, &merged->public_key);
	return !requested || !(requested->flags & WG_PEER_HAS_ENDPOINT) ||
	       !endpoint_equal(&requested->endpoint, &merged->endpoint);
}

/* Adds the prefixes of `from` that the target owns: all of them if the list is replaced, otherwise the new ones. */
static bool patch_list(struct sync *s, const struct target *t, struct wg_peer *out,
		       const struct wg_peer *from)
{
	for (uint32_t i = 0; i < from->n_allowedips; i++) {
		struct prefix_owner *owner = owner_slot(&s->owners, &from->allowedips[i].prefix);
		struct wg_allowedip *a;
		if (owner->target != number_of(s, t) || !owner_is_valid(s, owner) || owner->listed ||
		    (t->removed == 0 && owner->now == owner->target))
			continue;
		a = peer_add_allowedip(out);
		if (!a)
			return false;
		a->prefix = *owner->prefix;
		owner->listed = true;
	}
	return true;
}

static bool patch_allowedips(struct sync *s, const struct target *t, struct wg_peer *out)
{
	if (t->added == 0 && t->removed == 0)
		return true;
	if (t->removed > 0)
		out->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	if (t->now && !patch_list(s, t, out, t->now))
		return false;
	for (const struct wg_peer *b = first_block(s, t); b; b = next_block(s, b))
		if (!patch_list(s, t, out, b))
			return false;
	return true;
}

static bool patch_peer(struct sync *s, const struct target *t)
{
	static const struct wg_peer nothing;
	const struct wg_peer *now = t->now ? t->now : &nothing;
	struct wg_peer merged, *out;
	bool psk, keepalive, endpoint, ok = true;

	merge_blocks(&merged, s, t);
	psk = !mem_equal_ct(&now->psk, &merged.psk, sizeof merged.psk);
	keepalive = now->keepalive_s != merged.keepalive_s;
	endpoint = endpoint_must_be_sent(s, now, &merged);
	if (!target_is_own_key(s, t) &&
	    (!t->now || psk || keepalive || endpoint || t->added > 0 || t->removed > 0)) {
		out = device_add_peer(s->patch);
		if (out) {
			*out = merged;
			out->flags = WG_PEER_HAS_PUBLIC_KEY | (psk ? WG_PEER_HAS_PSK : 0) |
				     (keepalive ? WG_PEER_HAS_KEEPALIVE : 0) |
				     (endpoint ? WG_PEER_HAS_ENDPOINT : 0);
		}
		ok = out && patch_allowedips(s, t, out);
	}
	mem_wipe(&merged, sizeof merged);
	return ok;
}

static bool patch_removals(struct sync *s)
{
	if (s->n_kept == s->state->n_peers)
		return true;
	for (uint32_t i = 0; i < s->state->n_peers; i++) {
		const struct wg_peer *p = &s->state->peers[i];
		struct wg_peer *out;
		if (peer_index_find(&s->desired_index, s->desired, &p->public_key))
			continue;
		out = device_add_peer(s->patch);
		if (!out)
			return false;
		out->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
		out->public_key = p->public_key;
	}
	return true;
}

static void patch_device(struct wg_device *patch, const struct wg_device *now,
			 const struct wg_device *desired, const struct sync_options *o)
{
	static const struct wg_private none;
	uint32_t has = desired->flags;
	const struct wg_private *key =
		has & WG_DEVICE_HAS_PRIVATE_KEY ? &desired->private_key : &none;
	uint16_t port = has & WG_DEVICE_HAS_LISTEN_PORT ? desired->listen_port : 0;
	uint32_t fwmark = has & WG_DEVICE_HAS_FWMARK ? desired->fwmark : 0;

	memcpy(patch->name, now->name, sizeof patch->name);
	if (((has & WG_DEVICE_HAS_PRIVATE_KEY) || !o->keep_private_key) &&
	    !private_key_equal(&now->private_key, key)) {
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
}

static bool sync_init(struct sync *s)
{
	if (!peer_index_build(&s->state_index, s->state) ||
	    !peer_index_build(&s->desired_index, s->desired) ||
	    (s->o->last_request && !peer_index_build(&s->last_request_index, s->o->last_request)) ||
	    !targets_init(s))
		return false;
	targets_arrange(s);
	return owners_extend(s);
}

static void sync_free(struct sync *s)
{
	free(s->targets);
	free(s->target_of);
	free(s->last_of_key);
	free(s->next_of_key);
	free(s->owners.slots);
	peer_index_free(&s->state_index);
	peer_index_free(&s->desired_index);
	peer_index_free(&s->last_request_index);
}

int sync_diff(struct wg_device *patch, const struct wg_device *state, const struct wg_device *desired,
	      const struct sync_options *o)
{
	struct sync s = { .state = state, .desired = desired, .o = o, .patch = patch };
	bool ok;

	memset(patch, 0, sizeof *patch);
	patch_device(patch, state, desired, o);
	ok = sync_init(&s) && patch_removals(&s);
	if (ok)
		simulate(&s);
	for (uint32_t i = 0; ok && i < s.n_targets; i++)
		ok = patch_peer(&s, &s.targets[i]);
	sync_free(&s);
	if (!ok)
		device_free(patch);
	return ok ? 0 : -ENOMEM;
}

bool sync_is_empty(const struct wg_device *patch)
{
	return patch->flags == 0 && patch->n_peers == 0;
}
