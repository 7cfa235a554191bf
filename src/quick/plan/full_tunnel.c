/* Full tunnels. */
#include "full_tunnel.h"

#include "route_prefixes.h"

/* The tunnel has all addresses of this family. */
static bool covers(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	const struct interface_keys *k = &f->interface;
	unsigned int parts = default_parts(f, s, family), halves = ROUTES_LOWER_HALF | ROUTES_UPPER_HALF;
	const struct ip_prefix all = { .addr.family = family };

	if (prefix_set_covers(&k->excluded, &all))
		return false;
	if (k->table_kind != TABLE_AUTO && !(k->table_kind == TABLE_GIVEN && k->table == TABLE_MAIN))
		return false;
	if (family == IP_V6 && !s->ipv6)
		return false;
	return (parts & ROUTES_ALL) || (parts & halves) == halves;
}

bool tunnel_is_full(const struct tunnel_file *f, const struct host_state *s)
{
	return covers(f, s, IP_V4) || covers(f, s, IP_V6);
}

/* The flags of all peers that have a part of the default routes. */
static uint32_t flags_of(const struct tunnel_file *f, const struct wg_device *also, const bool families[2])
{
	uint32_t flags = 0;

	for (uint32_t i = 0; i < f->device.n_peers; i++)
		if ((families[0] && peer_default_parts(f, i, IP_V4)) || (families[1] && peer_default_parts(f, i, IP_V6)))
			flags |= f->device.peers[i].flags;
	for (uint32_t i = 0; i < also->n_peers; i++)
		if ((families[0] && allowedips_default_parts(&also->peers[i], IP_V4)) ||
		    (families[1] && allowedips_default_parts(&also->peers[i], IP_V6)))
			flags |= also->peers[i].flags;
	return flags;
}

bool full_tunnel_is_unreachable(const struct tunnel_file *f, const struct host_state *s)
{
	const bool families[2] = { covers(f, s, IP_V4), covers(f, s, IP_V6) };
	uint32_t flags = flags_of(f, &s->device, families);

	return (flags & WG_PEER_HAS_HOST) && !(flags & WG_PEER_HAS_ENDPOINT);
}
