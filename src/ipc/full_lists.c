/* Applying incremental allowed IPs to the current lists. */
#include "full_lists.h"

#include <stdlib.h>

static bool peer_removes_single(const struct wg_peer *peer)
{
	if (peer->flags & WG_PEER_REMOVE)
		return false;
	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (peer->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			return true;
	return false;
}

bool full_lists_are_needed(const struct wg_device *patch)
{
	for (uint32_t i = 0; i < patch->n_peers; i++)
		if (peer_removes_single(&patch->peers[i]))
			return true;
	return false;
}

static void list_remove(struct wg_peer *peer, const struct ip_prefix *prefix)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < peer->n_allowedips; i++)
		if (!prefix_equal(&peer->allowedips[i].prefix, prefix))
			peer->allowedips[n++] = peer->allowedips[i];
	peer->n_allowedips = n;
}

static bool list_add(struct wg_peer *peer, const struct ip_prefix *prefix)
{
	struct wg_allowedip *ip;

	list_remove(peer, prefix);
	ip = peer_add_allowedip(peer);
	if (ip)
		ip->prefix = *prefix;
	return ip != NULL;
}

/* Applies a peer of the patch to the current list. */
static bool list_apply(struct wg_peer *state, const struct wg_peer *patch)
{
	bool ok = true;

	if (patch->flags & (WG_PEER_REMOVE | WG_PEER_REPLACE_ALLOWEDIPS))
		state->n_allowedips = 0;
	if (patch->flags & WG_PEER_REMOVE)
		return true;
	for (uint32_t i = 0; ok && i < patch->n_allowedips; i++) {
		if (patch->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			list_remove(state, &patch->allowedips[i].prefix);
		else
			ok = list_add(state, &patch->allowedips[i].prefix);
	}
	return ok;
}

static bool peer_replace_list(struct wg_peer *peer, const struct wg_peer *state)
{
	struct wg_peer copy;

	if (!peer_copy(&copy, state))
		return false;
	free(peer->allowedips);
	peer->allowedips = copy.allowedips;
	peer->n_allowedips = copy.n_allowedips;
	peer->cap_allowedips = copy.cap_allowedips;
	peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	copy.allowedips = NULL;
	copy.n_allowedips = copy.cap_allowedips = 0;
	peer_free(&copy);
	return true;
}

bool full_lists_write(struct wg_device *patch, struct wg_device *state)
{
	struct wg_peer new_peer = { 0 };
	struct peer_index index;
	bool ok = peer_index_build(&index, state);

	for (uint32_t i = 0; ok && i < patch->n_peers; i++) {
		struct wg_peer *peer = &patch->peers[i];
		struct wg_peer *now = NULL;

		if (!(patch->flags & WG_DEVICE_REPLACE_PEERS))
			now = peer_index_find(&index, state, &peer->public_key);
		if (!now) {
			peer_free(&new_peer);
			now = &new_peer;
		}
		ok = list_apply(now, peer);
		if (ok && peer_removes_single(peer))
			ok = peer_replace_list(peer, now);
	}
	peer_free(&new_peer);
	peer_index_free(&index);
	return ok;
}
