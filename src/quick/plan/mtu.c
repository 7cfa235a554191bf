/* The MTU of the tunnel. */
#include "mtu.h"

bool device_has_ipv6(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].prefix.addr.family == IP_V6 &&
			    !(d->peers[i].allowedips[k].flags & WG_ALLOWEDIP_REMOVE))
				return true;
	return false;
}

bool addresses_have_ipv6(const struct addresses *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].local.family == IP_V6 && !ip_is_v6_link_local(&a->list[i].local))
			return true;
	return false;
}

static bool wants_ipv6(const struct tunnel_file *f, const struct host_state *s)
{
	return addresses_have_ipv6(&f->interface.addresses) || s->ipv6_of_hooks || device_has_ipv6(&f->device);
}

unsigned int plan_path_mtu(const struct host_state *s)
{
	unsigned int path = s->path_mtu ? s->path_mtu : MTU_ETHERNET;

	return path > MTU_OVERHEAD + MTU_MIN ? path - MTU_OVERHEAD : MTU_MIN;
}

unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s)
{
	unsigned int mtu = plan_path_mtu(s);

	if (f->interface.mtu)
		return f->interface.mtu;
	return mtu < MTU_MIN_IPV6 && s->ipv6 && wants_ipv6(f, s) ? MTU_MIN_IPV6 : mtu;
}

bool tunnel_carries_ipv6(const struct tunnel_file *f, const struct host_state *s)
{
	return s->ipv6 && plan_mtu(f, s) >= MTU_MIN_IPV6;
}
