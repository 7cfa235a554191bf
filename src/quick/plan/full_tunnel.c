/* Full tunnels. */
#include "full_tunnel.h"

enum { ALL = 1, LOWER_HALF = 2, UPPER_HALF = 4 };

static unsigned int parts_of_peer(const struct wg_peer *p, uint8_t family)
{
	unsigned int parts = 0;

	for (uint32_t i = 0; i < p->n_allowedips; i++) {
		const struct wg_allowedip *a = &p->allowedips[i];
		if (a->prefix.addr.family != family || (a->flags & WG_ALLOWEDIP_REMOVE))
			continue;
		if (a->prefix.bits == 0)
			parts |= ALL;
		else if (a->prefix.bits == 1)
			parts |= a->prefix.addr.b[0] & 0x80 ? UPPER_HALF : LOWER_HALF;
	}
	return parts;
}

static unsigned int parts_of(const struct wg_device *d, uint8_t family)
{
	unsigned int parts = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		parts |= parts_of_peer(&d->peers[i], family);
	return parts;
}

/* The tunnel has all addresses of this family. */
static bool covers(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	const struct interface_keys *k = &f->interface;
	unsigned int parts = parts_of(&f->device, family) | parts_of(&s->device, family);
	const struct ip_prefix all = { .addr.family = family };

	if (prefix_set_covers(&k->excluded, &all))
		return false;
	if (k->table_kind != TABLE_AUTO && !(k->table_kind == TABLE_GIVEN && k->table == TABLE_MAIN))
		return false;
	if (family == IP_V6 && !s->ipv6)
		return false;
	return (parts & ALL) || (parts & (LOWER_HALF | UPPER_HALF)) == (LOWER_HALF | UPPER_HALF);
}

bool tunnel_is_full(const struct tunnel_file *f, const struct host_state *s)
{
	return covers(f, s, IP_V4) || covers(f, s, IP_V6);
}

/* The flags of all peers that have a part of the default routes. */
static uint32_t flags_of(const struct wg_device *d, bool v4, bool v6)
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		if ((v4 && parts_of_peer(&d->peers[i], IP_V4)) || (v6 && parts_of_peer(&d->peers[i], IP_V6)))
			flags |= d->peers[i].flags;
	return flags;
}

bool full_tunnel_is_unreachable(const struct tunnel_file *f, const struct host_state *s)
{
	bool v4 = covers(f, s, IP_V4), v6 = covers(f, s, IP_V6);
	uint32_t flags = flags_of(&f->device, v4, v6) | flags_of(&s->device, v4, v6);

	return (flags & WG_PEER_HAS_HOST) && !(flags & WG_PEER_HAS_ENDPOINT);
}
