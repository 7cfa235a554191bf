/* rtnetlink: links and their addresses. */
#include <errno.h>
/* libc first: the kernel's headers leave out what libc has declared, those of musl know nothing of the kernel's. */
#include <netinet/in.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdlib.h>

#include "rtnetlink.h"

struct nl_msg *rtnetlink_build_link_add(const char *name)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_msg *m = NULL;

	if (!link)
		return NULL;
	rtnl_link_set_name(link, name);
	if (rtnl_link_set_type(link, "wireguard") < 0 ||
	    rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &m) < 0)
		m = NULL;
	rtnl_link_put(link);
	return m;
}

struct nl_msg *rtnetlink_build_link_delete(uint32_t index)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_msg *m = NULL;

	if (!link)
		return NULL;
	rtnl_link_set_ifindex(link, (int)index);
	if (rtnl_link_build_delete_request(link, &m) < 0)
		m = NULL;
	rtnl_link_put(link);
	return m;
}

struct nl_msg *rtnetlink_build_link_move(uint32_t index, int netns)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	struct nl_msg *m = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	if (m && nlmsg_append(m, &body, sizeof body, NLMSG_ALIGNTO) == 0 && nla_put_u32(m, IFLA_NET_NS_FD, (uint32_t)netns) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

struct nl_msg *rtnetlink_build_link_up(uint32_t index, unsigned int mtu, bool up)
{
	struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();
	struct nl_msg *m = NULL;

	if (link && change) {
		rtnl_link_set_ifindex(link, (int)index);
		if (mtu)
			rtnl_link_set_mtu(change, mtu);
		if (up)
			rtnl_link_set_flags(change, IFF_UP);
		else
			rtnl_link_unset_flags(change, IFF_UP);
		if (rtnl_link_build_change_request(link, change, 0, &m) < 0)
			m = NULL;
	}
	rtnl_link_put(link);
	rtnl_link_put(change);
	return m;
}

static bool address_fill(struct rtnl_addr *out, const struct interface_address *a, uint32_t index)
{
	struct nl_addr *local = rtnetlink_addr(&a->local, a->bits);
	struct nl_addr *peer = a->peer.family != IP_NONE ? rtnetlink_addr(&a->peer, a->bits) : NULL;
	bool ok = local && (peer || a->peer.family == IP_NONE) &&
		  rtnl_addr_set_local(out, local) == 0 &&
		  (!peer || rtnl_addr_set_peer(out, peer) == 0);

	rtnl_addr_set_ifindex(out, (int)index);
	rtnl_addr_set_prefixlen(out, a->bits ? a->bits : 1); /* libnl takes 0 for a missing value */
	nl_addr_put(local);
	nl_addr_put(peer);
	return ok;
}

struct nl_msg *rtnetlink_build_address(const struct interface_address *a, uint32_t index, bool remove)
{
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_msg *m = NULL;
	int r = -NLE_NOMEM;

	if (address && address_fill(address, a, index))
		r = remove ? rtnl_addr_build_delete_request(address, 0, &m)
			   : rtnl_addr_build_add_request(address, NLM_F_CREATE | NLM_F_EXCL, &m);
	rtnl_addr_put(address);
	if (r < 0)
		return NULL;
	((struct ifaddrmsg *)nlmsg_data(nlmsg_hdr(m)))->ifa_prefixlen = a->bits;
	return m;
}

/* ---- queries ---- */

static struct nl_msg *dump_request(int type, const void *body, size_t n)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, 0);

	if (m && nlmsg_append(m, (void *)(uintptr_t)body, n, NLMSG_ALIGNTO) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

struct link_dump {
	struct links *out;
	bool failed;
};

static void add_link(struct nl_object *o, void *ctx)
{
	struct link_dump *d = ctx;
	struct links *links = d->out;
	struct rtnl_link *link = (struct rtnl_link *)o;
	const char *name = rtnl_link_get_name(link);
	struct text text;
	struct link_info *l;

	if (!vector_reserve(&links->list, &links->cap, links->n + 1, sizeof *links->list)) {
		d->failed = true;
		return;
	}
	l = &links->list[links->n++];
	*l = (struct link_info){ .index = (uint32_t)rtnl_link_get_ifindex(link),
				 .mtu = rtnl_link_get_mtu(link),
				 .loopback = rtnl_link_get_flags(link) & IFF_LOOPBACK,
				 .up = rtnl_link_get_flags(link) & IFF_UP };
	text = text_fixed(l->name, sizeof l->name);
	text_add(&text, name ? name : "");
}

/* The parameters that /proc/sys/net/ipv6/conf/LINK shows; libnl has no access to them. */
static void read_inet6(struct link_info *l, struct nlmsghdr *h)
{
	struct nlattr *all = nlmsg_find_attr(h, sizeof(struct ifinfomsg), IFLA_AF_SPEC);
	struct nlattr *inet6 = all ? nla_find(nla_data(all), nla_len(all), AF_INET6) : NULL;
	struct nlattr *conf = inet6 ? nla_find(nla_data(inet6), nla_len(inet6), IFLA_INET6_CONF) : NULL;
	int32_t value[DEVCONF_DISABLE_IPV6 + 1];

	if (!conf || (size_t)nla_len(conf) < sizeof value)
		return;
	memcpy(value, nla_data(conf), sizeof value);
	l->mtu6 = value[DEVCONF_MTU6] > 0 ? (unsigned int)value[DEVCONF_MTU6] : 0;
	l->ipv6 = value[DEVCONF_DISABLE_IPV6] == 0;
}

static int handle_link(void *ctx, struct nl_msg *m)
{
	struct link_dump d = { .out = ctx };
	size_t n = d.out->n;

	if (nlmsg_hdr(m)->nlmsg_type == RTM_NEWLINK &&
	    nl_msg_parse(m, add_link, &d) == -NLE_NOMEM)
		d.failed = true;
	if (d.out->n > n)
		read_inet6(&d.out->list[n], nlmsg_hdr(m));
	return d.failed ? -ENOMEM : 0;
}

int rtnetlink_links(struct rtnetlink *rt, struct links *out)
{
	struct ifinfomsg body = { 0 };

	return rtnetlink_dump(rt, dump_request(RTM_GETLINK, &body, sizeof body), handle_link, out,
		       &out->n);
}

int rtnetlink_link_find(struct rtnetlink *rt, const char *name, uint32_t index, struct link_info *out)
{
	struct links links = { 0 };
	int r = rtnetlink_links(rt, &links);

	if (r == 0)
		r = -ENODEV;
	for (size_t i = 0; i < links.n; i++) {
		const struct link_info *l = &links.list[i];
		if (index ? l->index == index : strcmp(l->name, name) == 0) {
			*out = *l;
			r = 0;
		}
	}
	free(links.list);
	return r;
}

struct address_dump {
	struct addresses *out;
	uint32_t index;
	bool failed;
};

static struct ip_addr ip_from(const struct nl_addr *a)
{
	struct ip_addr ip = { 0 };

	if (!a || (nl_addr_get_family(a) != AF_INET && nl_addr_get_family(a) != AF_INET6))
		return ip;
	ip.family = nl_addr_get_family(a) == AF_INET ? IP_V4 : IP_V6;
	if (nl_addr_get_len(a) < ip_bytes(&ip))
		return (struct ip_addr){ 0 };
	memcpy(ip.b, nl_addr_get_binary_addr(a), ip_bytes(&ip));
	return ip;
}

static void add_address(struct nl_object *o, void *ctx)
{
	struct address_dump *d = ctx;
	struct rtnl_addr *address = (struct rtnl_addr *)o;
	struct interface_address one = { .local = ip_from(rtnl_addr_get_local(address)),
				     .peer = ip_from(rtnl_addr_get_peer(address)),
				     .bits = (uint8_t)rtnl_addr_get_prefixlen(address) };

	if ((uint32_t)rtnl_addr_get_ifindex(address) != d->index || one.local.family == IP_NONE)
		return;
	if (ip_equal(&one.local, &one.peer))
		one.peer = (struct ip_addr){ 0 };
	if (!addresses_add(d->out, &one))
		d->failed = true;
}

static int handle_address(void *ctx, struct nl_msg *m)
{
	struct address_dump *d = ctx;

	if (nlmsg_hdr(m)->nlmsg_type == RTM_NEWADDR &&
	    nl_msg_parse(m, add_address, d) == -NLE_NOMEM)
		d->failed = true;
	return d->failed ? -ENOMEM : 0;
}

int rtnetlink_addresses(struct rtnetlink *rt, uint32_t index, struct addresses *out)
{
	struct address_dump d = { .out = out, .index = index };
	struct ifaddrmsg body = { .ifa_index = index };

	return rtnetlink_dump(rt, dump_request(RTM_GETADDR, &body, sizeof body), handle_address, &d,
		       &out->n);
}
