/* rtnetlink: routes, routing tables, and the path MTU. */
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

static int af_of(uint8_t family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

static struct nl_msg *route_message(int type, int flags, struct rtmsg *body)
{
	struct nl_msg *m = nlmsg_alloc_size(160);

	if (m && nlmsg_put(m, 0, 0, type, 0, flags) &&
	    nlmsg_append(m, body, sizeof *body, NLMSG_ALIGNTO) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

static bool route_fill(struct rtnl_route *out, const struct step_route *r, uint32_t index)
{
	const struct ip_prefix *p = &r->prefix;
	struct nl_addr *to = rtnetlink_addr(&p->addr, p->bits);
	struct rtnl_nexthop *hop = r->unreachable ? NULL : rtnl_route_nh_alloc();
	bool ok = to && (hop || r->unreachable) && rtnl_route_set_dst(out, to) == 0 &&
		  rtnl_route_set_type(out, r->unreachable ? RTN_UNREACHABLE : RTN_UNICAST) == 0;

	nl_addr_put(to);
	rtnl_route_set_table(out, r->table);
	rtnl_route_set_protocol(out, RTPROT_BOOT);
	rtnl_route_set_scope(out, p->addr.family == IP_V4 && !r->unreachable ? RT_SCOPE_LINK
									      : RT_SCOPE_UNIVERSE);
	if (r->unreachable)
		rtnl_route_set_priority(out, METRIC_UNREACHABLE);
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

	if (route && route_fill(route, r, index))
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

static bool prefix_from(struct ip_prefix *out, struct rtnl_route *route)
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
				.unreachable = rtnl_route_get_type(route) == RTN_UNREACHABLE &&
					       rtnl_route_get_priority(route) == METRIC_UNREACHABLE };
	uint32_t index = route_index(route);

	if ((rtnl_route_get_flags(route) & RTM_F_CLONED) || r.table != d->table ||
	    (d->index && index != d->index) || !prefix_from(&r.prefix, route))
		return 0;
	if (d->only) {
		if (prefix_equal(&r.prefix, &d->only->prefix))
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

static int dump_table(struct rtnetlink *rt, uint8_t family, struct route_dump *d)
{
	struct rtmsg body = { .rtm_family = (uint8_t)af_of(family),
			      .rtm_table = (uint8_t)(d->table < 256 ? d->table : RT_TABLE_UNSPEC) };
	struct nl_msg *m = route_message(RTM_GETROUTE, 0, &body);
	int r;

	if (!m)
		return -ENOMEM;
	if ((d->table >= 256 && nla_put_u32(m, RTA_TABLE, d->table) < 0) ||
	    (d->index && nla_put_u32(m, RTA_OIF, d->index) < 0)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	r = rtnetlink_dump(rt, m, handle_route, d, d->out ? &d->out->n : NULL);
	/* A table or family that does not exist is empty. */
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r;
}

int rtnetlink_routes(struct rtnetlink *rt, uint8_t family, uint32_t table, uint32_t index, struct routes *out)
{
	struct route_dump d = { .out = out, .table = table, .index = index };

	return dump_table(rt, family, &d);
}

int rtnetlink_route_link(struct rtnetlink *rt, const struct step_route *route, uint32_t *index)
{
	struct route_dump d = { .table = route->table, .only = route };
	int r = dump_table(rt, route->prefix.addr.family, &d);

	*index = d.only_index;
	return r;
}

/* ---- MTU ---- */

static unsigned int link_mtu(const struct links *links, uint32_t index)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->list[i].index == index)
			return links->list[i].mtu;
	return 0;
}

/* The route's own MTU, else that of its link. */
static unsigned int route_mtu(struct rtnl_route *route, const struct links *links)
{
	uint32_t mtu;

	if (rtnl_route_get_metric(route, RTAX_MTU, &mtu) == 0 && mtu)
		return mtu;
	return link_mtu(links, route_index(route));
}

static unsigned int reply_mtu(struct nlmsghdr *h, const struct links *links)
{
	struct rtnl_route *route;
	unsigned int mtu;

	if (h->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(h, &route) < 0)
		return 0;
	mtu = route_mtu(route, links);
	rtnl_route_put(route);
	return mtu;
}

enum { REQUESTS_AT_ONCE = 128 };

static int add_requests(struct rtnetlink *rt, const struct ip_addr *to, size_t n, uint32_t mark)
{
	for (size_t i = 0; i < n; i++) {
		struct rtmsg body = { .rtm_family = (uint8_t)af_of(to[i].family),
				      .rtm_dst_len = (uint8_t)ip_bits(&to[i]) };
		struct nl_msg *m = route_message(RTM_GETROUTE, 0, &body);
		int r;
		if (!m || nla_put(m, RTA_DST, (int)ip_bytes(&to[i]), to[i].b) < 0 ||
		    (mark && nla_put_u32(m, RTA_MARK, mark) < 0)) {
			nlmsg_free(m);
			return -ENOMEM;
		}
		r = rtnetlink_batch_add(rt, m, (uint32_t)i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Each request has one reply: a route, or an error. */
static int receive_replies(struct rtnetlink *rt, const struct links *links, size_t n, unsigned int *least)
{
	char buffer[16384];

	while (n > 0) {
		ssize_t got = recv(nl_socket_get_fd(rt->sk), buffer, sizeof buffer, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		for (int left = (int)got; n > 0 && nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left), n--) {
			unsigned int mtu = reply_mtu(h, links);
			if (mtu && (!*least || mtu < *least))
				*least = mtu;
		}
	}
	return 0;
}

int rtnetlink_path_mtu(struct rtnetlink *rt, const struct links *links, const struct ip_addr *to, size_t n,
		uint32_t mark, unsigned int *out)
{
	*out = 0;
	while (n > 0) {
		size_t now = n < REQUESTS_AT_ONCE ? n : REQUESTS_AT_ONCE;
		int r = add_requests(rt, to, now, mark);
		size_t bytes = rt->n;
		rt->n = rt->messages = 0;
		if (r == 0 && send(nl_socket_get_fd(rt->sk), rt->batch, bytes, 0) != (ssize_t)bytes)
			r = -EIO;
		if (r == 0)
			r = receive_replies(rt, links, now, out);
		if (r < 0)
			return r;
		to += now;
		n -= now;
	}
	return 0;
}

struct default_dump {
	const struct links *links;
	unsigned int mtu;
	uint32_t metric;
};

static int handle_default(void *ctx, struct nl_msg *m)
{
	struct default_dump *d = ctx;
	struct rtnl_route *route;
	const struct nl_addr *to;

	if (nlmsg_hdr(m)->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(nlmsg_hdr(m), &route) < 0)
		return 0;
	to = rtnl_route_get_dst(route);
	if ((!to || nl_addr_get_prefixlen(to) == 0) && rtnl_route_get_type(route) == RTN_UNICAST &&
	    rtnl_route_get_table(route) == RT_TABLE_MAIN &&
	    (d->mtu == 0 || rtnl_route_get_priority(route) < d->metric)) {
		d->mtu = route_mtu(route, d->links);
		d->metric = rtnl_route_get_priority(route);
	}
	rtnl_route_put(route);
	return 0;
}

int rtnetlink_default_mtu(struct rtnetlink *rt, const struct links *links, unsigned int *out)
{
	struct rtmsg body = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN };
	struct default_dump d = { .links = links };
	int r = rtnetlink_dump(rt, route_message(RTM_GETROUTE, 0, &body), handle_default, &d,
			NULL);

	*out = d.mtu;
	return r;
}
