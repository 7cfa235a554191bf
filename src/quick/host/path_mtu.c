/* Looks up routes with RTM_GETROUTE. */
#include "path_mtu.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "quick/plan/mtu.h"

static void narrow(unsigned int *least, unsigned int mtu)
{
	if (mtu && (!*least || mtu < *least))
		*least = mtu;
}

/* ---- routes ---- */

static unsigned int link_mtu(const struct path_lookup *l, uint32_t index, int family)
{
	for (size_t i = 0; i < l->links->n; i++) {
		const struct link_info *link = &l->links->list[i];
		if (link->index != index)
			continue;
		if (index == l->tunnel)
			return link->mtu + MTU_OVERHEAD;
		return family == AF_INET6 && link->mtu6 && link->mtu6 < link->mtu ? link->mtu6 : link->mtu;
	}
	return 0;
}

static uint32_t metric(struct rtnl_route *route, int number)
{
	uint32_t value = 0;

	return rtnl_route_get_metric(route, number, &value) == 0 ? value : 0;
}

static unsigned int hop_mtu(const struct path_lookup *l, struct rtnl_route *route, struct rtnl_nexthop *hop)
{
	enum { LOCKED_MTU = 576 }; /* of IPv4 through a gateway, if the route's MTU is locked but not set */
	int family = rtnl_route_get_family(route);
	uint32_t index = (uint32_t)rtnl_route_nh_get_ifindex(hop);
	unsigned int mtu = link_mtu(l, index, family);
	bool locked = metric(route, RTAX_LOCK) & (1u << RTAX_MTU);

	if (mtu == 0 || index == l->tunnel)
		return mtu;
	if (metric(route, RTAX_MTU))
		narrow(&mtu, metric(route, RTAX_MTU));
	else if (family == AF_INET && locked && rtnl_route_nh_get_gateway(hop))
		narrow(&mtu, LOCKED_MTU);
	return mtu;
}

/* The smallest of its next hops that are alive. */
static unsigned int route_mtu(const struct path_lookup *l, struct rtnl_route *route)
{
	unsigned int least = 0;

	for (int i = 0; i < rtnl_route_get_nnexthops(route); i++) {
		struct rtnl_nexthop *hop = rtnl_route_nexthop_n(route, i);
		if (!(rtnl_route_nh_get_flags(hop) & RTNH_F_DEAD))
			narrow(&least, hop_mtu(l, route, hop));
	}
	return least;
}

/* ---- endpoints ---- */

enum { ENDPOINTS_AT_ONCE = 64, REQUESTS = 2 /* for each */ };

struct nl_msg *path_lookup_message(const struct path_lookup *l, const struct ip_endpoint *to, bool entry)
{
	struct rtmsg body = { .rtm_family = (unsigned char)rtnetlink_family(to->addr.family),
			      .rtm_dst_len = (unsigned char)ip_bits(&to->addr),
			      .rtm_flags = entry ? RTM_F_FIB_MATCH : 0 };
	struct nl_msg *m = rtnetlink_route_message(RTM_GETROUTE, 0, &body);
	bool ok = m && nla_put(m, RTA_DST, (int)ip_bytes(&to->addr), to->addr.b) == 0 &&
		  nla_put_u8(m, RTA_IP_PROTO, IPPROTO_UDP) == 0 && nla_put_u16(m, RTA_DPORT, htons(to->port)) == 0;

	if (ok && l->port)
		ok = nla_put_u16(m, RTA_SPORT, htons(l->port)) == 0;
	if (ok && l->mark)
		ok = nla_put_u32(m, RTA_MARK, l->mark) == 0;
	if (ok && (l->device || to->scope))
		ok = nla_put_u32(m, RTA_OIF, l->device ? l->device : to->scope) == 0;
	if (ok)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* The route of one packet, with what the kernel has learned about it, and the entry of the table with all next hops. */
static int add_requests(struct rtnetlink *rt, const struct path_lookup *l, const struct ip_endpoint *to, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < REQUESTS * n; i++)
		r = rtnetlink_batch_add(rt, path_lookup_message(l, &to[i / REQUESTS], i % REQUESTS), (uint32_t)i);
	return r;
}

struct answers {
	const struct path_lookup *l;
	unsigned int *least;
};

/* A route, or an error. */
static void handle_answer(void *ctx, uint32_t number, struct nlmsghdr *h)
{
	const struct answers *a = ctx;
	struct rtnl_route *route;

	if (h->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(h, &route) < 0)
		return;
	/* The entry for an address of this host is that of its link; its packets use the loopback link. */
	if (number % REQUESTS == 0 || rtnl_route_get_type(route) == RTN_UNICAST)
		narrow(a->least, route_mtu(a->l, route));
	rtnl_route_put(route);
}

int path_mtu(struct rtnetlink *rt, const struct path_lookup *l, const struct ip_endpoint *to, size_t n, unsigned int *out)
{
	struct answers answers = { l, out };

	*out = 0;
	while (n > 0) {
		size_t now = n < ENDPOINTS_AT_ONCE ? n : ENDPOINTS_AT_ONCE;
		int r = add_requests(rt, l, to, now);
		if (r == 0)
			r = rtnetlink_batch_ask(rt, handle_answer, &answers);
		rt->n = rt->messages = 0;
		if (r < 0)
			return r;
		to += now;
		n -= now;
	}
	return 0;
}

/* ---- the default route ---- */

struct default_dump {
	const struct path_lookup *l;
	uint32_t table;
	unsigned int mtu;
	uint32_t metric; /* of the preferred route; IPv6 may have several of them */
};

static bool is_default(struct rtnl_route *route, const struct default_dump *d)
{
	const struct nl_addr *to = rtnl_route_get_dst(route);

	return (!to || nl_addr_get_prefixlen(to) == 0) && rtnl_route_get_type(route) == RTN_UNICAST &&
	       rtnl_route_get_table(route) == d->table;
}

static bool leads_into_tunnel(const struct path_lookup *l, struct rtnl_route *route)
{
	return l->tunnel && rtnl_route_get_nnexthops(route) == 1 &&
	       (uint32_t)rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, 0)) == l->tunnel;
}

static int handle_default(void *ctx, struct nl_msg *m)
{
	struct default_dump *d = ctx;
	struct rtnl_route *route;
	uint32_t priority;

	if (nlmsg_hdr(m)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(m), &route) < 0)
		return 0;
	priority = rtnl_route_get_priority(route);
	if (is_default(route, d) && !leads_into_tunnel(d->l, route) && (d->mtu == 0 || priority <= d->metric)) {
		if (priority < d->metric)
			d->mtu = 0;
		narrow(&d->mtu, route_mtu(d->l, route));
		d->metric = priority;
	}
	rtnl_route_put(route);
	return 0;
}

static int default_of_table(struct rtnetlink *rt, const struct path_lookup *l, uint8_t family, uint32_t table,
			    unsigned int *out)
{
	struct default_dump d = { .l = l, .table = table };
	int r = rtnetlink_dump_table(rt, family, table, handle_default, &d);

	*out = d.mtu;
	return r;
}

/* For the encrypted packets, and not only for default routes. */
static bool applies(const struct step_rule *r, uint8_t family, uint32_t mark)
{
	return r->family == family && r->table && !r->suppress && (r->mark == 0 || (r->mark == mark) != r->invert);
}

int path_mtu_default(struct rtnetlink *rt, const struct path_lookup *l, unsigned int *out)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };
	int r = 0;

	*out = 0;
	for (size_t f = 0; r == 0 && !*out && f < ARRAY_LEN(families); f++) {
		bool rules = false;
		for (size_t i = 0; r == 0 && !*out && i < l->rules->n; i++) {
			rules |= l->rules->list[i].family == families[f];
			if (applies(&l->rules->list[i], families[f], l->mark))
				r = default_of_table(rt, l, families[f], l->rules->list[i].table, out);
		}
		if (r == 0 && !rules) /* the kernel has none in this family */
			r = default_of_table(rt, l, families[f], RT_TABLE_MAIN, out);
	}
	return r;
}
