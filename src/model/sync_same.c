/* The peers that are the same in both models, found and taken out without copying either: of a large
 * device mostly nothing is left for sync_diff to look at. */
#include <errno.h>
#include <stdlib.h>

#include "../base/mem.h"
#include "sync.h"

enum { LIST_SMALL = 16 }; /* longer lists are the same only in the same order; the rest is sync_diff's */

static bool list_has(const struct wg_peer *peer, const struct wg_allowedip *ip)
{
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (prefix_equal(&peer->allowedips[i].prefix, &ip->prefix))
			return true;
	return false;
}

static bool lists_are_same(const struct wg_peer *a, const struct wg_peer *b)
{
	uint32_t i = 0;

	if (a->n_allowedips != b->n_allowedips)
		return false;
	while (i < a->n_allowedips && b->allowedips[i].flags == 0 &&
	       prefix_equal(&a->allowedips[i].prefix, &b->allowedips[i].prefix))
		i++;
	if (i == a->n_allowedips)
		return true;
	if (a->n_allowedips > LIST_SMALL)
		return false;
	for (i = 0; i < a->n_allowedips; i++)
		if (b->allowedips[i].flags || !list_has(a, &b->allowedips[i]) ||
		    !list_has(b, &a->allowedips[i]))
			return false;
	return true;
}

/* What the file does not name of a peer is off. */
static bool peer_is_same(const struct wg_peer *now, const struct wg_peer *wanted)
{
	static const struct wg_psk none;
	const uint32_t patch_words = WG_PEER_REMOVE | WG_PEER_UPDATE_ONLY | WG_PEER_HAS_HOST;

	if ((wanted->flags & patch_words) || !(wanted->flags & WG_PEER_REPLACE_ALLOWEDIPS))
		return false;
	if ((wanted->flags & WG_PEER_HAS_ENDPOINT) &&
	    (!(now->flags & WG_PEER_HAS_ENDPOINT) || !endpoint_equal(&now->endpoint, &wanted->endpoint)))
		return false;
	if (now->keepalive_s != (wanted->flags & WG_PEER_HAS_KEEPALIVE ? wanted->keepalive_s : 0))
		return false;
	return mem_equal_ct(&now->psk, wanted->flags & WG_PEER_HAS_PSK ? &wanted->psk : &none,
			    sizeof now->psk) && lists_are_same(now, wanted);
}

/* ---- prefixes that a peer that stays in the models wants ---- */

struct prefixes {
	const struct ip_prefix **slots;
	uint32_t mask;
};

static uint32_t prefix_hash(const struct ip_prefix *p)
{
	uint64_t h = ((uint64_t)p->addr.family << 8 | p->bits) ^ load_le64(p->addr.b);

	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ull ^ load_le64(p->addr.b + 8);
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(h >> 32);
}

static const struct ip_prefix **prefix_slot(const struct prefixes *x, const struct ip_prefix *p)
{
	uint32_t at = prefix_hash(p) & x->mask;

	while (x->slots[at] && !prefix_equal(x->slots[at], p))
		at = (at + 1) & x->mask;
	return &x->slots[at];
}

static bool prefixes_of_others(struct prefixes *x, const struct wg_device *wanted, const bool *same)
{
	uint64_t size = 4, n = 0;

	for (uint32_t i = 0; i < wanted->n_peers; i++)
		n += same[i] ? 0 : wanted->peers[i].n_allowedips;
	while (size < 2 * n)
		size *= 2;
	x->slots = calloc(size, sizeof *x->slots);
	x->mask = (uint32_t)(size - 1);
	if (!x->slots)
		return false;
	for (uint32_t i = 0; i < wanted->n_peers; i++)
		for (uint32_t k = 0; !same[i] && k < wanted->peers[i].n_allowedips; k++) {
			const struct ip_prefix *p = &wanted->peers[i].allowedips[k].prefix;

			*prefix_slot(x, p) = p;
		}
	return true;
}

/* A peer whose prefix another, changed one names as well is not settled: the later one gets it. False
 * when out of memory; *again: there were some, and now others may not be. */
static bool unsettle(bool *again, bool *same, const struct wg_device *wanted)
{
	struct prefixes x;

	*again = false;
	if (!prefixes_of_others(&x, wanted, same))
		return false;
	for (uint32_t i = 0; i < wanted->n_peers; i++)
		for (uint32_t k = 0; same[i] && k < wanted->peers[i].n_allowedips; k++)
			if (*prefix_slot(&x, &wanted->peers[i].allowedips[k].prefix)) {
				same[i] = false;
				*again = true;
			}
	free(x.slots);
	return true;
}

/* Files that take it to more rounds are left to sync_diff as a whole. */
static bool unsettle_all(bool *same, const struct wg_device *wanted)
{
	enum { ROUNDS = 8 };
	bool again = true;

	for (int i = 0; i < ROUNDS && again; i++)
		if (!unsettle(&again, same, wanted))
			return false;
	if (again)
		memset(same, 0, wanted->n_peers * sizeof *same);
	return true;
}

/* ---- both models ---- */

/* Which peers of wanted are the same, each the only one of its key in both. */
static void mark_same(bool *same, const struct wg_device *now, const struct peer_index *now_index,
		      const struct wg_device *wanted, const struct peer_index *wanted_index)
{
	for (uint32_t i = 0; i < now->n_peers; i++) {
		const struct wg_peer *peer = &now->peers[i];
		const struct wg_peer *goal = peer_index_find(wanted_index, wanted, &peer->public_key);

		if (goal && peer_index_find(now_index, now, &peer->public_key) == peer)
			same[goal - wanted->peers] = peer_is_same(peer, goal);
		else if (goal)
			same[goal - wanted->peers] = false;
	}
	for (uint32_t i = 0; i < wanted->n_peers; i++) { /* the index has the last one of a key */
		const struct wg_peer *last =
			peer_index_find(wanted_index, wanted, &wanted->peers[i].public_key);

		if (last != &wanted->peers[i])
			same[last - wanted->peers] = false;
	}
}

static void keep_peers(struct wg_device *d, const bool *drop)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (drop[i])
			peer_free(&d->peers[i]);
		else if (kept++ != i)
			d->peers[kept - 1] = d->peers[i];
	}
	for (uint32_t i = kept; i < d->n_peers; i++)
		mem_wipe(&d->peers[i], sizeof d->peers[i]);
	d->n_peers = kept;
}

static bool drop_same(struct wg_device *now, struct wg_device *wanted, bool *same, bool *drop,
		      const struct peer_index *now_index, const struct peer_index *wanted_index)
{
	mark_same(same, now, now_index, wanted, wanted_index);
	if (!unsettle_all(same, wanted))
		return false;
	for (uint32_t i = 0; i < now->n_peers; i++) {
		const struct wg_peer *goal =
			peer_index_find(wanted_index, wanted, &now->peers[i].public_key);

		drop[i] = goal && same[goal - wanted->peers];
	}
	keep_peers(now, drop);
	keep_peers(wanted, same);
	return true;
}

int sync_drop_same(struct wg_device *now, struct wg_device *wanted)
{
	struct peer_index now_index = { 0 }, wanted_index = { 0 };
	bool *same = calloc(wanted->n_peers + 1ul, sizeof *same);
	bool *drop = calloc(now->n_peers + 1ul, sizeof *drop);
	bool ok = same && drop && peer_index_build(&now_index, now) &&
		  peer_index_build(&wanted_index, wanted) &&
		  drop_same(now, wanted, same, drop, &now_index, &wanted_index);

	peer_index_free(&now_index);
	peer_index_free(&wanted_index);
	free(same);
	free(drop);
	return ok ? 0 : -ENOMEM;
}
