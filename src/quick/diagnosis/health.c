/* The checks of `status --health`: whether a tunnel is up, matches its file and reaches its peers. */
#include "checks_internal.h"

#include <stdlib.h>

static void check_kept_file(struct findings *out, const struct facts *f)
{
	if (f->file_seen == FILE_MISSING)
		finding_fail(out, NULL, "%s no longer exists", f->path ? f->path : "the tunnel file");
	else
		check_file(out, f);
}

static void check_kill_switch(struct findings *out, const struct facts *f)
{
	bool known, complete = facts_kill_switch_is_complete(f, &known);

	if (facts_kill_switch(f) && known && !complete)
		finding_fail(out, remedy("wg-quick reload %s", f->name).text, "rules of the kill switch are missing");
}

/* Peers that come and go are no fault of this host. One to which keepalives are sent, at an address that the file has, is to answer:
 * it is the server of this client. Of several, one is enough. */
static void check_servers(struct findings *out, const struct facts *f)
{
	const struct wg_device *d = &f->file->device, *now = &f->state->device;
	char label[PEER_LABEL_MAX] = "";
	struct peer_index x = { 0 };
	const struct wg_peer *last = NULL;
	size_t n = 0;
	bool answers = false, indexed = peer_index_build(&x, now);

	out->failed |= !indexed;
	for (uint32_t i = 0; indexed && i < d->n_peers; i++) {
		const struct wg_peer *peer = NULL;
		if (d->peers[i].keepalive_s && (d->peers[i].flags & WG_PEER_HAS_ENDPOINT))
			peer = peer_index_find(&x, now, &d->peers[i].public_key);
		if (!peer)
			continue;
		answers |= peer->handshake_s + HANDSHAKE_OLD_S > f->now_s;
		last = peer;
		n++;
	}
	peer_index_free(&x);
	if (n == 1)
		facts_peer_label(label, f, last);
	if (n == 1 && !answers)
		finding_fail(out, remedy("wg-quick doctor %s finds out why", f->name).text, "%s does not answer", label);
	else if (n > 1 && !answers)
		finding_fail(out, remedy("wg-quick doctor %s finds out why", f->name).text, "none of %zu peers answers", n);
}

bool checks_of_health(struct findings *out, const struct facts *f, bool kept)
{
	struct findings all = { .check = "health" };

	check_interface(&all, f);
	if (kept)
		check_kept_file(&all, f);
	else
		check_file(&all, f);
	if (f->state->link.index && !f->device_error) {
		check_keys(&all, f);
		if (f->state->link.up) /* otherwise that is the difference */
			check_difference(&all, f);
		check_kill_switch(&all, f);
		check_dns(&all, f);
		if (f->file)
			check_servers(&all, f);
	}
	out->failed |= all.failed;
	for (size_t i = 0; i < all.n; i++) {
		if (all.list[i].level != FINDING_FAIL)
			continue;
		if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list)) {
			out->failed = true;
			break;
		}
		out->list[out->n++] = all.list[i];
		all.list[i].seen = all.list[i].fix = NULL;
	}
	findings_free(&all);
	return !out->failed;
}
