/* rtnetlink: routes and routing tables. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rtnetlink.h"

int rtnetlink_family(uint8_t family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

struct nl_msg *rtnetlink_route_message(int type, int flags, struct rtmsg *body)
{
	struct nl_msg *m = nlmsg_alloc_size(160);

	if (m && nlmsg_put(m, 0, 0, type, 0, flags) &&
	    nlmsg_append(m, body, sizeof *body, NLMSG_ALIGNTO) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* systemd-networkd removes routes of other programs without a link whenever it configures any link, unless they seem to be the
 * kernel's. Older versions of wg-quick did not add them so: what is removed may have any protocol. */
static uint8_t protocol_of(bool of_link, bool remove)
{
	return of_link ? RTPROT_BOOT : remove ? RTPROT_UNSPEC : RTPROT_KERNEL;
}

static bool route_fill(struct rtnl_route *out, const struct step_route *r, uint32_t index, bool remove)
{
	const struct ip_prefix *p = &r->prefix;
	struct nl_addr *to = rtnetlink_addr(&p->addr, p->bits);
	bool of_link = route_is_of_link(r);
	struct rtnl_nexthop *hop = of_link ? rtnl_route_nh_alloc() : NULL;
	uint8_t type = r->unreachable ? RTN_UNREACHABLE : r->throw ? RTN_THROW : RTN_UNICAST;
	bool ok = to && (hop || !of_link) && rtnl_route_set_dst(out, to) == 0 && rtnl_route_set_type(out, type) == 0;

	nl_addr_put(to);
	rtnl_route_set_table(out, r->table);
	rtnl_route_set_protocol(out, protocol_of(of_link, remove));
	rtnl_route_set_scope(out, p->addr.family == IP_V4 && of_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	if (route_metric(r))
		rtnl_route_set_priority(out, route_metric(r));
	if (hop) {
		rtnl_route_nh_set_ifindex(hop, (int)index);
		rtnl_route_add_nexthop(out, hop); /* now owned by the route */
	}
	return ok;
}

struct nl_msg *rtnetlink_build_route(const struct step_route *r, uint32_t index, bool remove)
{
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_msg *m = NULL;
	int error = -NLE_NOMEM;

	if (route && route_fill(route, r, index, remove))
		error = remove ? rtnl_route_build_del_request(route, 0, &m)
			       : rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, &m);
	rtnl_route_put(route);
	return error < 0 ? NULL : m;
}

/* ---- tables ---- */

struct route_dump {
	struct routes *out;            /* null with `only` */
	uint32_t table, index;         /* index 0: any link */
	const struct step_route *only; /* look only for this route; null: list all */
	uint32_t only_index;           /* its link; UINT32_MAX: it has none; 0: not found */
};

bool rtnetlink_route_prefix(struct ip_prefix *out, struct rtnl_route *route)
{
	struct ip_addr a = { .family = rtnl_route_get_family(route) == AF_INET ? IP_V4 : IP_V6 };
	const struct nl_addr *to = rtnl_route_get_dst(route);

	if (to && nl_addr_get_len(to) >= ip_bytes(&a))
		memcpy(a.b, nl_addr_get_binary_addr(to), ip_bytes(&a));
	return prefix_make(out, &a, to ? nl_addr_get_prefixlen(to) : 0);
}

static uint32_t route_index(struct rtnl_route *route)
{
	struct rtnl_nexthop *hop =
		rtnl_route_get_nnexthops(route) > 0 ? rtnl_route_nexthop_n(route, 0) : NULL;

	return hop ? (uint32_t)rtnl_route_nh_get_ifindex(hop) : 0;
}

static int add_route(struct route_dump *d, struct rtnl_route *route)
{
	struct step_route r = { .table = rtnl_route_get_table(route),
				.unreachable = rtnl_route_get_type(route) == RTN_UNREACHABLE,
				.throw = rtnl_route_get_type(route) == RTN_THROW };
	uint32_t index = route_index(route);
	/* Others of these types, with another metric, are not of wg-quick. */
	bool own = rtnl_route_get_priority(route) == route_metric(&r);

	r.unreachable &= own;
	r.throw &= own;
	r.metric = route_is_of_link(&r) ? rtnl_route_get_priority(route) : 0;
	if ((rtnl_route_get_flags(route) & RTM_F_CLONED) || r.table != d->table ||
	    (d->index && index != d->index) || !rtnetlink_route_prefix(&r.prefix, route))
		return 0;
	if (d->only) {
		if (prefix_equal(&r.prefix, &d->only->prefix) && rtnl_route_get_priority(route) == route_metric_shown(d->only))
			d->only_index = index ? index : d->only_index ? d->only_index : UINT32_MAX;
		return 0;
	}
	if (!vector_reserve(&d->out->list, &d->out->cap, d->out->n + 1, sizeof r))
		return -ENOMEM;
	d->out->list[d->out->n++] = r;
	return 0;
}

static int handle_route(void *ctx, struct nl_msg *m)
{
	struct rtnl_route *route;
	int r;

	if (nlmsg_hdr(m)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(m), &route) < 0)
		return 0;
	r = add_route(ctx, route);
	rtnl_route_put(route);
	return r;
}

struct family_filter {
	unsigned char family;
	rtnetlink_handler *handler;
	void *ctx;
};

/* A kernel without IPv6 (ipv6.disable=1) answers a request for IPv6 routes with those of all families. */
static int handle_of_family(void *ctx, struct nl_msg *m)
{
	const struct family_filter *f = ctx;
	const struct nlmsghdr *h = nlmsg_hdr(m);

	if (!nlmsg_valid_hdr(h, sizeof(struct rtmsg)) || ((const struct rtmsg *)nlmsg_data(h))->rtm_family != f->family)
		return 0;
	return f->handler(f->ctx, m);
}

/* index 0: of any link. */
static int dump_table(struct rtnetlink *rt, uint8_t family, uint32_t table, uint32_t index, rtnetlink_handler *handler,
		      void *ctx, size_t *count)
{
	struct rtmsg body = { .rtm_family = (uint8_t)rtnetlink_family(family),
			      .rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_UNSPEC) };
	struct nl_msg *m = rtnetlink_route_message(RTM_GETROUTE, 0, &body);
	struct family_filter filter = { .family = body.rtm_family, .handler = handler, .ctx = ctx };
	int r;

	if (!m)
		return -ENOMEM;
	if ((table >= 256 && nla_put_u32(m, RTA_TABLE, table) < 0) || (index && nla_put_u32(m, RTA_OIF, index) < 0)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	r = rtnetlink_dump(rt, m, handle_of_family, &filter, count);
	/* A table or family that does not exist is empty. */
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

int rtnetlink_dump_table(struct rtnetlink *rt, uint8_t family, uint32_t table, rtnetlink_handler *handler, void *ctx)
{
	return dump_table(rt, family, table, 0, handler, ctx, NULL);
}

int rtnetlink_routes(struct rtnetlink *rt, uint8_t family, uint32_t table, uint32_t index, struct routes *out)
{
	struct route_dump d = { .out = out, .table = table, .index = index };

	return dump_table(rt, family, table, index, handle_route, &d, &out->n);
}

int rtnetlink_route_link(struct rtnetlink *rt, const struct step_route *route, uint32_t *index)
{
	struct route_dump d = { .table = route->table, .only = route };
	int r = rtnetlink_dump_table(rt, route->prefix.addr.family, route->table, handle_route, &d);

	*index = d.only_index;
	return r;
}
