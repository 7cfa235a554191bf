/* The part of hook_changes.h about the WireGuard configuration. */
#include <errno.h>

#include "hook_changes.h"

struct overlay {
	const struct hook_changes *c;
	const struct wg_device *actual;
	struct peer_index actual_index;
	struct wg_device *out;
	bool no_memory;
};

static void overlay_device(struct overlay *o, const struct wg_device *file)
{
	static const struct { uint32_t flag; enum tunnel_setting_kind kind; } settings[] = {
		{ WG_DEVICE_HAS_PRIVATE_KEY, SETTING_PRIVATE_KEY },
		{ WG_DEVICE_HAS_LISTEN_PORT, SETTING_LISTEN_PORT },
		{ WG_DEVICE_HAS_FWMARK, SETTING_FWMARK },
	};
	struct wg_device *out = o->out;

	*out = (struct wg_device){ .flags = file->flags, .fwmark = file->fwmark, .listen_port = file->listen_port,
				   .private_key = file->private_key };
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (hook_changed_tunnel(o->c, settings[i].kind))
			out->flags &= ~settings[i].flag;
}

static struct wg_peer *add_copy(struct overlay *o, const struct wg_peer *p)
{
	struct wg_peer *peer = device_add_peer(o->out);

	if (peer && peer_copy(peer, p))
		return peer;
	o->no_memory = true;
	return NULL;
}

/* Peers that hooks added, or changed the allowed IPs of. They come first: of several peers with the same allowed IP,
 * the last one gets it, and the file takes precedence. */
static void add_changed_peers(struct overlay *o)
{
	const uint32_t all = WG_PEER_HAS_PSK | WG_PEER_HAS_KEEPALIVE;

	for (uint32_t i = 0; !o->no_memory && i < o->actual->n_peers; i++) {
		const struct wg_peer *now = &o->actual->peers[i];
		bool whole = hook_changed_peer(o->c, SETTING_PEER, &now->public_key);
		struct wg_peer *peer;
		if (!whole && !hook_changed_peer(o->c, SETTING_ALLOWEDIPS, &now->public_key))
			continue;
		peer = add_copy(o, now);
		if (peer)
			peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REPLACE_ALLOWEDIPS |
				      (whole ? all | (now->flags & WG_PEER_HAS_ENDPOINT) : 0);
	}
}

/* A section of a peer that the device has. Later sections override earlier ones, and have the same settings. */
static void overlay_section(struct overlay *o, struct wg_peer *section, const struct wg_peer *now)
{
	const struct wg_public *key = &section->public_key;

	if (hook_changed_peer(o->c, SETTING_PSK, key)) {
		section->psk = now->psk;
		section->flags |= WG_PEER_HAS_PSK;
	}
	if (hook_changed_peer(o->c, SETTING_KEEPALIVE, key)) {
		section->keepalive_s = now->keepalive_s;
		section->flags |= WG_PEER_HAS_KEEPALIVE;
	}
	if (hook_changed_peer(o->c, SETTING_ENDPOINT, key))
		section->flags &= ~(uint32_t)(WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_HOST);
	if (hook_changed_peer(o->c, SETTING_ALLOWEDIPS, key)) {
		section->n_allowedips = 0;
		section->flags &= ~(uint32_t)WG_PEER_REPLACE_ALLOWEDIPS;
	}
}

static void add_sections_of_file(struct overlay *o, const struct wg_device *file)
{
	for (uint32_t i = 0; !o->no_memory && i < file->n_peers; i++) {
		const struct wg_peer *from = &file->peers[i];
		const struct wg_peer *now = peer_index_find(&o->actual_index, o->actual, &from->public_key);
		struct wg_peer *section;
		if (hook_changed_peer(o->c, SETTING_PEER, &from->public_key))
			continue;
		section = add_copy(o, from);
		if (section && now)
			overlay_section(o, section, now);
	}
}

int hook_changes_device(struct wg_device *out, const struct hook_changes *c, const struct wg_device *actual)
{
	const struct wg_device *file = &c->values.file->device;
	struct overlay o = { .c = c, .actual = actual, .out = out };

	o.no_memory = !peer_index_build(&o.actual_index, actual);
	overlay_device(&o, file);
	add_changed_peers(&o);
	add_sections_of_file(&o, file);
	peer_index_free(&o.actual_index);
	if (o.no_memory)
		device_free(out);
	return o.no_memory ? -ENOMEM : 0;
}
