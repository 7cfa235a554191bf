/* Conversions of addresses and paths. */
#include "instance.h"

bool addr_is_valid(const struct wgproto_addr *a)
{
	return a->family == IP_NONE || a->family == IP_V4 || a->family == IP_V6;
}

bool path_is_valid(const struct wgproto_path *p)
{
	return addr_is_valid(&p->remote.addr) && addr_is_valid(&p->local) &&
	       (p->local.family == IP_NONE || p->local.family == p->remote.addr.family);
}

struct ip_addr addr_in(const struct wgproto_addr *a)
{
	static const struct ip_addr none;

	return a->family == IP_V4 ? ip_v4(a->b) : a->family == IP_V6 ? ip_v6(a->b) : none;
}

struct wgproto_addr addr_out(const struct ip_addr *a)
{
	struct wgproto_addr out = { .family = a->family };

	memcpy(out.b, a->b, sizeof out.b);
	return out;
}

struct ip_endpoint endpoint_in(const struct wgproto_endpoint *e)
{
	if (e->addr.family == IP_NONE)
		return (struct ip_endpoint){ .port = 0 };
	return (struct ip_endpoint){ .addr = addr_in(&e->addr), .port = e->port, .scope = e->scope };
}

struct wgproto_endpoint endpoint_out(const struct ip_endpoint *e)
{
	return (struct wgproto_endpoint){ .addr = addr_out(&e->addr), .port = e->port, .scope = e->scope };
}

void path_in(struct wg_path *out, const struct wgproto_path *p)
{
	*out = (struct wg_path){
		.remote = endpoint_in(&p->remote),
		.local = addr_in(&p->local),
		.ifindex = p->ifindex,
		.tx_index = p->session,
	};
}

void path_out(struct wgproto_path *out, const struct wg_path *p)
{
	out->remote = endpoint_out(&p->remote);
	out->local = addr_out(&p->local);
	out->ifindex = p->ifindex;
	out->session = p->tx_index;
}

bool prefix_in(struct ip_prefix *out, const struct wgproto_prefix *p)
{
	struct ip_addr addr;

	if (!p || !addr_is_valid(&p->addr) || p->addr.family == IP_NONE)
		return false;
	addr = addr_in(&p->addr);
	return prefix_make(out, &addr, p->bits);
}
