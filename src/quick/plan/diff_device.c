/* The part of plan_diff() about the WireGuard configuration, and its rollback. */
#include "diff_device.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "model/sync.h"

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_string(const struct string_list *sorted, char *const *s)
{
	return sorted->n > 0 &&
	       bsearch(s, sorted->list, sorted->n, sizeof *sorted->list, compare_strings);
}

/* The peers with the endpoints that the file had at the last `up` or `reload`. sync_diff() leaves the endpoint of
 * a peer alone, which may have roamed, as long as that is also the file's present one. */
static int endpoints_before(struct wg_device *out, const struct diff_input *in)
{
	const struct string_list *texts = &in->applied->endpoints;
	const struct wg_device *desired = &in->desired->device;
	struct peer_index x = { 0 };
	int r = peer_index_build(&x, desired) ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < texts->n; i++) {
		struct span rest = span_of(texts->list[i]), key;
		struct wg_public public_key;
		struct wg_peer *peer, *same;
		if (!span_next(&key, &rest, ' ') || !key_from_base64(public_key.b, key))
			continue;
		same = peer_index_find(&x, desired, &public_key);
		peer = device_add_peer(out);
		if (!peer) {
			r = -ENOMEM;
			break;
		}
		peer->public_key = public_key;
		peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
		/* The same text is the same endpoint, even where its name resolves to another address now. */
		if (same && has_string(in->endpoints, &texts->list[i]))
			peer->endpoint = same->endpoint;
	}
	peer_index_free(&x);
	return r;
}

int plan_device_change(struct plan *p, const struct diff_input *in, uint32_t mark)
{
	struct sync_options o = { .keep_private_key = true,
				  .keep_listen_port = true,
				  .keep_fwmark = true };
	const struct wg_device *desired = &in->desired->device;
	struct wg_device before = { 0 }, desired_with_changes = { 0 };
	struct step *s;
	int r = 0;

	/* A peer roamed only where the endpoint in the file is known to have been applied. */
	o.last_request = !in->applied && in->last_request ? in->last_request : &before;
	if (in->applied)
		r = endpoints_before(&before, in);
	if (r == 0 && in->changes) {
		r = hook_changes_device(&desired_with_changes, in->changes, &in->actual->device);
		desired = &desired_with_changes;
	}
	if (r == 0)
		r = sync_diff(&p->device_patch, &in->actual->device, desired, &o);
	device_free(&before);
	device_free(&desired_with_changes);
	if (r < 0)
		return r;
	memcpy(p->device_patch.name, in->desired->name, sizeof in->desired->name);
	if (mark)
		p->device_patch.flags &= ~(uint32_t)WG_DEVICE_HAS_FWMARK;
	if (mark && mark != in->actual->device.fwmark) {
		p->device_patch.flags |= WG_DEVICE_HAS_FWMARK;
		p->device_patch.fwmark = mark;
	}
	if (sync_is_empty(&p->device_patch))
		return 0;
	s = plan_add(p, STEP_WG);
	if (!s)
		return -ENOMEM;
	s->wg.command = WG_SET;
	s->wg.patch = &p->device_patch;
	s->wg.inverse = &p->device_rollback; /* device_rollback() fills it when it is needed */
	return 0;
}

/* ---- rollback ---- */

/* WireGuard can remove a peer's endpoint only together with the peer. */
static bool must_be_replaced(const struct wg_peer *now, const struct wg_peer *before)
{
	return before && before->endpoint.addr.family == IP_NONE &&
	       now->endpoint.addr.family != IP_NONE && now->handshake_s == 0;
}

/* Moves peers that must be replaced out of `now` and into `removals`, a patch that removes them. */
static int take_replaced_peers(struct wg_device *removals, struct wg_device *now, const struct wg_device *before)
{
	struct peer_index x = { 0 };
	uint32_t kept = 0;
	int r = 0;

	if (!peer_index_build(&x, before))
		return -ENOMEM;
	for (uint32_t i = 0; i < now->n_peers; i++) {
		struct wg_peer *p = &now->peers[i], *removal;
		if (must_be_replaced(p, peer_index_find(&x, before, &p->public_key))) {
			removal = device_add_peer(removals);
			if (removal) {
				removal->public_key = p->public_key;
				removal->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
				peer_free(p);
				continue;
			}
			r = -ENOMEM;
		}
		if (kept != i)
			now->peers[kept] = *p;
		kept++;
	}
	now->n_peers = kept;
	peer_index_free(&x);
	return r;
}

/* Moves the peers of `front` to the front of the patch. */
static int prepend_peers(struct wg_device *patch, struct wg_device *front)
{
	struct wg_device rest = *patch;

	for (uint32_t i = 0; i < rest.n_peers; i++) {
		struct wg_peer *to = device_add_peer(front);
		if (!to)
			return -ENOMEM;
		*to = rest.peers[i];
		rest.peers[i] = (struct wg_peer){ 0 };
	}
	patch->peers = front->peers;
	patch->n_peers = front->n_peers;
	patch->cap_peers = front->cap_peers;
	front->peers = rest.peers;
	front->n_peers = rest.n_peers;
	front->cap_peers = rest.cap_peers;
	return 0;
}

int device_rollback(struct wg_device *patch, struct wg_device *now, struct wg_device *before)
{
	static const struct wg_device none;
	struct sync_options o = { .keep_private_key = true,
				  .keep_listen_port = true,
				  .last_request = &none };
	struct wg_device removals = { 0 };
	int r;

	assert(patch->n_peers == 0);
	/* A state becomes a complete configuration, like that of a file. */
	before->flags |= WG_DEVICE_REPLACE_PEERS;
	for (uint32_t i = 0; i < before->n_peers; i++)
		before->peers[i].flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	r = take_replaced_peers(&removals, now, before);
	if (r == 0)
		r = sync_diff(patch, now, before, &o);
	if (r == 0 && removals.n_peers > 0)
		r = prepend_peers(patch, &removals);
	memcpy(patch->name, before->name, sizeof patch->name);
	device_free(&removals);
	return r;
}
