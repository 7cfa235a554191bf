/* The prefixes for which a tunnel file requests routes. */
#include "route_prefixes.h"

#include <errno.h>

bool peer_has_routes_key(const struct tunnel_file *f, uint32_t peer)
{
	return peer < f->n_peers && f->peers[peer].routes.given;
}

bool file_has_routes_key(const struct tunnel_file *f)
{
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		if (peer_has_routes_key(f, i))
			return true;
	return false;
}

size_t peer_route_prefixes(const struct tunnel_file *f, uint32_t peer)
{
	return peer_has_routes_key(f, peer) ? f->peers[peer].routes.n : f->device.peers[peer].n_allowedips;
}

static const struct ip_prefix *allowedip(const struct wg_peer *p, size_t i)
{
	return p->allowedips[i].flags & WG_ALLOWEDIP_REMOVE ? NULL : &p->allowedips[i].prefix;
}

const struct ip_prefix *peer_route_prefix(const struct tunnel_file *f, uint32_t peer, size_t i)
{
	return peer_has_routes_key(f, peer) ? &f->peers[peer].routes.list[i].prefix : allowedip(&f->device.peers[peer], i);
}

int routes_keys_init(struct routes_keys *k, const struct tunnel_file *f)
{
	*k = (struct routes_keys){ .file = f, .any = file_has_routes_key(f) };
	return !k->any || peer_index_build(&k->index, &f->device) ? 0 : -ENOMEM;
}

void routes_keys_free(struct routes_keys *k)
{
	peer_index_free(&k->index);
	*k = (struct routes_keys){ 0 };
}

bool routes_keys_have(const struct routes_keys *k, const struct wg_public *key)
{
	const struct wg_device *d = &k->file->device;
	const struct wg_peer *peer = k->any ? peer_index_find(&k->index, d, key) : NULL;

	return peer && peer_has_routes_key(k->file, (uint32_t)(peer - d->peers));
}

/* ---- default routes ---- */

static unsigned int part_of(const struct ip_prefix *p, uint8_t family)
{
	if (!p || p->addr.family != family || p->bits > 1)
		return 0;
	return p->bits == 0 ? ROUTES_ALL : p->addr.b[0] & 0x80 ? ROUTES_UPPER_HALF : ROUTES_LOWER_HALF;
}

unsigned int peer_default_parts(const struct tunnel_file *f, uint32_t peer, uint8_t family)
{
	unsigned int parts = 0;

	for (size_t i = 0; i < peer_route_prefixes(f, peer); i++)
		parts |= part_of(peer_route_prefix(f, peer, i), family);
	return parts;
}

unsigned int allowedips_default_parts(const struct wg_peer *p, uint8_t family)
{
	unsigned int parts = 0;

	for (uint32_t i = 0; i < p->n_allowedips; i++)
		parts |= part_of(allowedip(p, i), family);
	return parts;
}

unsigned int default_parts(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	struct routes_keys keys;
	bool known = routes_keys_init(&keys, f) == 0; /* without memory, all allowed IPs count */
	unsigned int parts = 0;

	for (uint32_t i = 0; i < f->device.n_peers; i++)
		parts |= peer_default_parts(f, i, family);
	for (uint32_t i = 0; i < s->device.n_peers; i++)
		if (!known || !routes_keys_have(&keys, &s->device.peers[i].public_key))
			parts |= allowedips_default_parts(&s->device.peers[i], family);
	routes_keys_free(&keys);
	return parts;
}
