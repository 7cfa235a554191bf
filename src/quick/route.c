/* Routes: messages, tables, and the MTU of the ways that packets will take. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "rt.h"

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

enum { METRIC_LAST = 0x7fffffff }; /* of the unreachable route that yields to the tunnel's own */

struct nl_msg *rt_route(const struct step_route *r, uint32_t index, bool remove)
{
	const struct ip_prefix *p = &r->prefix;
	struct rtmsg body = {
		.rtm_family = (uint8_t)af_of(p->addr.family),
		.rtm_dst_len = p->bits,
		.rtm_table = (uint8_t)(r->table < 256 ? r->table : RT_TABLE_UNSPEC),
		.rtm_protocol = RTPROT_BOOT,
		.rtm_type = r->unreachable ? RTN_UNREACHABLE : RTN_UNICAST,
		.rtm_scope = p->addr.family == IP_V4 && !r->unreachable ? RT_SCOPE_LINK
									 : RT_SCOPE_UNIVERSE,
	};
	struct nl_msg *m = route_message(remove ? RTM_DELROUTE : RTM_NEWROUTE,
					 remove ? 0 : NLM_F_CREATE | NLM_F_EXCL, &body);
	bool ok = m;

	if (ok && p->bits)
		ok = nla_put(m, RTA_DST, (int)ip_bytes(&p->addr), p->addr.b) == 0;
	if (ok && r->table >= 256)
		ok = nla_put_u32(m, RTA_TABLE, r->table) == 0;
	if (ok && r->unreachable)
		ok = nla_put_u32(m, RTA_PRIORITY, METRIC_LAST) == 0;
	else if (ok)
		ok = nla_put_u32(m, RTA_OIF, index) == 0;
	if (ok)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* ---- tables ---- */

struct route_take {
	struct routes *out;
	uint32_t table, index;
	const struct step_route *only; /* null: all */
	uint32_t owner;
};

static bool prefix_from(struct ip_prefix *out, const struct rtmsg *body, struct nlattr *dst)
{
	struct ip_addr a = { .family = body->rtm_family == AF_INET ? IP_V4 : IP_V6 };

	if (dst && nla_len(dst) >= (int)ip_bytes(&a))
		memcpy(a.b, nla_data(dst), ip_bytes(&a));
	return prefix_make(out, &a, body->rtm_dst_len);
}

static int take_route(void *ctx, struct nlmsghdr *h)
{
	struct route_take *t = ctx;
	struct rtmsg *body = nlmsg_data(h);
	struct nlattr *a[RTA_MAX + 1];
	struct step_route r = { 0 };
	uint32_t index;

	if (h->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(h, sizeof *body, a, RTA_MAX, NULL) < 0 ||
	    (body->rtm_flags & RTM_F_CLONED) || !prefix_from(&r.prefix, body, a[RTA_DST]))
		return 0;
	r.table = a[RTA_TABLE] ? nla_get_u32(a[RTA_TABLE]) : body->rtm_table;
	index = a[RTA_OIF] ? nla_get_u32(a[RTA_OIF]) : 0;
	r.unreachable = body->rtm_type != RTN_UNICAST;
	if (r.table != t->table || (t->index && index != t->index))
		return 0;
	if (t->only) {
		if (prefix_equal(&r.prefix, &t->only->prefix))
			t->owner = index ? index : UINT32_MAX;
		return 0;
	}
	if (!grow_array(&t->out->list, &t->out->cap, t->out->n + 1, sizeof r))
		return -ENOMEM;
	t->out->list[t->out->n++] = r;
	return 0;
}

static int dump_table(struct rt *rt, uint8_t family, struct route_take *t)
{
	struct rtmsg body = { .rtm_family = (uint8_t)af_of(family),
			      .rtm_table = (uint8_t)(t->table < 256 ? t->table : RT_TABLE_UNSPEC) };
	struct nl_msg *m = route_message(RTM_GETROUTE, 0, &body);
	int r;

	if (!m)
		return -ENOMEM;
	if ((t->table >= 256 && nla_put_u32(m, RTA_TABLE, t->table) < 0) ||
	    (t->index && nla_put_u32(m, RTA_OIF, t->index) < 0)) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	r = rt_dump(rt, m, take_route, t);
	return r == -ENOENT || r == -EOPNOTSUPP || r == -EAFNOSUPPORT ? 0 : r; /* no such table or family */
}

int rt_routes(struct rt *rt, uint8_t family, uint32_t table, uint32_t index, struct routes *out)
{
	struct route_take t = { .out = out, .table = table, .index = index };

	return dump_table(rt, family, &t);
}

int rt_route_owner(struct rt *rt, const struct step_route *route, uint32_t *index)
{
	struct route_take t = { .table = route->table, .only = route };
	int r = dump_table(rt, route->prefix.addr.family, &t);

	*index = t.owner;
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

/* What a route says about itself, else what its link says. */
static unsigned int route_mtu(struct nlmsghdr *h, const struct links *links)
{
	struct nlattr *a[RTA_MAX + 1], *metric[RTAX_MAX + 1];

	if (nlmsg_parse(h, sizeof(struct rtmsg), a, RTA_MAX, NULL) < 0)
		return 0;
	if (a[RTA_METRICS] && nla_parse_nested(metric, RTAX_MAX, a[RTA_METRICS], NULL) == 0 &&
	    metric[RTAX_MTU] && nla_get_u32(metric[RTAX_MTU]))
		return nla_get_u32(metric[RTAX_MTU]);
	return a[RTA_OIF] ? link_mtu(links, nla_get_u32(a[RTA_OIF])) : 0;
}

enum { ASKED_AT_ONCE = 128 };

static int ask(struct rt *rt, const struct ip_addr *to, size_t n, uint32_t mark)
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
		r = rt_batch_add(rt, m, (uint32_t)i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Each question has one answer: a route, or why there is none. */
static int hear(struct rt *rt, const struct links *links, size_t n, unsigned int *least)
{
	char answer[16384];

	while (n > 0) {
		ssize_t got = recv(nl_socket_get_fd(rt->sk), answer, sizeof answer, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)answer;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		for (int left = (int)got; n > 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left), n--) {
			unsigned int mtu = h->nlmsg_type == RTM_NEWROUTE ? route_mtu(h, links) : 0;
			if (mtu && (!*least || mtu < *least))
				*least = mtu;
		}
	}
	return 0;
}

int rt_path_mtu(struct rt *rt, const struct links *links, const struct ip_addr *to, size_t n,
		uint32_t mark, unsigned int *out)
{
	*out = 0;
	while (n > 0) {
		size_t now = n < ASKED_AT_ONCE ? n : ASKED_AT_ONCE;
		int r = ask(rt, to, now, mark);
		size_t bytes = rt->n;
		rt->n = rt->messages = 0;
		if (r == 0 && send(nl_socket_get_fd(rt->sk), rt->batch, bytes, 0) != (ssize_t)bytes)
			r = -EIO;
		if (r == 0)
			r = hear(rt, links, now, out);
		if (r < 0)
			return r;
		to += now;
		n -= now;
	}
	return 0;
}

struct default_take {
	const struct links *links;
	unsigned int mtu;
	uint32_t metric;
};

static int take_default(void *ctx, struct nlmsghdr *h)
{
	struct default_take *t = ctx;
	struct rtmsg *body = nlmsg_data(h);
	struct nlattr *a[RTA_MAX + 1];
	uint32_t metric;

	if (h->nlmsg_type != RTM_NEWROUTE || body->rtm_dst_len != 0 || body->rtm_type != RTN_UNICAST ||
	    body->rtm_table != RT_TABLE_MAIN || nlmsg_parse(h, sizeof *body, a, RTA_MAX, NULL) < 0)
		return 0;
	metric = a[RTA_PRIORITY] ? nla_get_u32(a[RTA_PRIORITY]) : 0;
	if (t->mtu == 0 || metric < t->metric) {
		t->mtu = route_mtu(h, t->links);
		t->metric = metric;
	}
	return 0;
}

int rt_default_mtu(struct rt *rt, const struct links *links, unsigned int *out)
{
	struct rtmsg body = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN };
	struct default_take t = { .links = links };
	int r = rt_dump(rt, route_message(RTM_GETROUTE, 0, &body), take_default, &t);

	*out = t.mtu;
	return r;
}
