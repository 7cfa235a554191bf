/* Full tunnels. */
#include "full_tunnel.h"

enum { ALL = 1, LOWER_HALF = 2, UPPER_HALF = 4 };

static unsigned int parts_of(const struct wg_device *d, uint8_t family)
{
	unsigned int parts = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			if (a->prefix.addr.family != family || (a->flags & WG_ALLOWEDIP_REMOVE))
				continue;
			if (a->prefix.bits == 0)
				parts |= ALL;
			else if (a->prefix.bits == 1)
				parts |= a->prefix.addr.b[0] & 0x80 ? UPPER_HALF : LOWER_HALF;
		}
	return parts;
}

static bool covers(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	unsigned int parts = parts_of(&f->device, family) | parts_of(&s->device, family);

	return (parts & ALL) || (parts & (LOWER_HALF | UPPER_HALF)) == (LOWER_HALF | UPPER_HALF);
}

bool tunnel_is_full(const struct tunnel_file *f, const struct host_state *s)
{
	const struct interface_keys *k = &f->interface;

	if (k->table_kind != TABLE_AUTO && !(k->table_kind == TABLE_GIVEN && k->table == TABLE_MAIN))
		return false;
	return covers(f, s, IP_V4) || (s->ipv6 && covers(f, s, IP_V6));
}
