/* Looks up keys, in the order of the file. */
#include "read_keys.h"

#include <errno.h>

#include "base/mem.h"

static bool is_wanted(const struct key_source *s)
{
	return s->kind != KEY_IN_FILE && !s->is_read;
}

/* *first: the first error. */
static bool look_up(struct key_source *s, uint8_t key[KEY_BYTES], key_lookup *lookup, void *ctx, struct diag *d, int *first)
{
	int r = lookup(ctx, key, s, d);

	s->is_read = r == 0;
	if (r < 0 && r != -EAGAIN && *first == 0)
		*first = r;
	return r == 0;
}

int tunnel_file_read_keys(struct tunnel_file *f, key_lookup *lookup, void *ctx, struct diag *d)
{
	struct conf_origin_diag translated;
	uint8_t key[KEY_BYTES];
	int error = 0;

	conf_origin_diag_init(&translated, f->origins, d);
	d = &translated.d;

	if (is_wanted(&f->interface.private_key) && look_up(&f->interface.private_key, key, lookup, ctx, d, &error)) {
		memcpy(f->device.private_key.b, key, sizeof key);
		f->device.flags |= WG_DEVICE_HAS_PRIVATE_KEY;
	}
	for (uint32_t i = 0; i < f->device.n_peers && error != -EINTR; i++) {
		if (!is_wanted(&f->peers[i].psk) || !look_up(&f->peers[i].psk, key, lookup, ctx, d, &error))
			continue;
		memcpy(f->device.peers[i].psk.b, key, sizeof key);
		f->device.peers[i].flags |= WG_PEER_HAS_PSK;
	}
	mem_wipe(key, sizeof key);
	return error;
}

const struct key_source *tunnel_file_missing_key(const struct tunnel_file *f)
{
	if (is_wanted(&f->interface.private_key))
		return &f->interface.private_key;
	for (size_t i = 0; i < f->n_peers; i++)
		if (is_wanted(&f->peers[i].psk))
			return &f->peers[i].psk;
	return NULL;
}

bool tunnel_file_keep_keys(struct tunnel_file *f, const struct wg_device *now)
{
	struct peer_index x = { 0 };
	bool ok = peer_index_build(&x, now);

	if (is_wanted(&f->interface.private_key) && (now->flags & WG_DEVICE_HAS_PRIVATE_KEY)) {
		f->device.private_key = now->private_key;
		f->device.flags |= WG_DEVICE_HAS_PRIVATE_KEY;
	}
	for (uint32_t i = 0; ok && i < f->device.n_peers; i++) {
		const struct wg_peer *p = is_wanted(&f->peers[i].psk) ?
						  peer_index_find(&x, now, &f->device.peers[i].public_key) : NULL;
		if (!p)
			continue;
		f->device.peers[i].psk = p->psk;
		f->device.peers[i].flags |= WG_PEER_HAS_PSK;
	}
	peer_index_free(&x);
	return ok;
}
