/* Links and their addresses. */
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>

#include "rt.h"

static struct nl_msg *link_message(int type, int flags, uint32_t index, unsigned int set)
{
	struct ifinfomsg body = { .ifi_index = (int)index, .ifi_flags = set, .ifi_change = set };
	struct nl_msg *m = nlmsg_alloc_size(256);

	if (m && nlmsg_put(m, 0, 0, type, 0, flags) &&
	    nlmsg_append(m, &body, sizeof body, NLMSG_ALIGNTO) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

struct nl_msg *rt_link_add(const char *name)
{
	struct nl_msg *m = link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct nlattr *info;

	if (!m)
		return NULL;
	if (nla_put_string(m, IFLA_IFNAME, name) < 0 || !(info = nla_nest_start(m, IFLA_LINKINFO)) ||
	    nla_put_string(m, IFLA_INFO_KIND, "wireguard") < 0) {
		nlmsg_free(m);
		return NULL;
	}
	nla_nest_end(m, info);
	return m;
}

struct nl_msg *rt_link_delete(uint32_t index)
{
	return link_message(RTM_DELLINK, 0, index, 0);
}

struct nl_msg *rt_link_up(uint32_t index, unsigned int mtu, bool up)
{
	struct nl_msg *m = link_message(RTM_NEWLINK, 0, index, up ? IFF_UP : 0);

	if (m && mtu && nla_put_u32(m, IFLA_MTU, mtu) < 0) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

static int af_of(uint8_t family)
{
	return family == IP_V4 ? AF_INET : family == IP_V6 ? AF_INET6 : AF_UNSPEC;
}

struct nl_msg *rt_address(const struct quick_address *a, uint32_t index, bool remove)
{
	struct ifaddrmsg body = { .ifa_family = (uint8_t)af_of(a->local.family), .ifa_prefixlen = a->bits,
				  .ifa_index = index };
	const struct ip_addr *other = a->peer.family != IP_NONE ? &a->peer : &a->local;
	int n = (int)ip_bytes(&a->local);
	struct nl_msg *m = nlmsg_alloc_size(128);

	if (m && nlmsg_put(m, 0, 0, remove ? RTM_DELADDR : RTM_NEWADDR, 0,
			   remove ? 0 : NLM_F_CREATE | NLM_F_EXCL) &&
	    nlmsg_append(m, &body, sizeof body, NLMSG_ALIGNTO) == 0 &&
	    nla_put(m, IFA_LOCAL, n, a->local.b) == 0 && nla_put(m, IFA_ADDRESS, n, other->b) == 0)
		return m;
	nlmsg_free(m);
	return NULL;
}

/* ---- looking ---- */

static int take_link(void *ctx, struct nlmsghdr *h)
{
	struct links *links = ctx;
	struct ifinfomsg *body = nlmsg_data(h);
	struct nlattr *a[IFLA_MAX + 1];
	struct link_info *l;

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof *body, a, IFLA_MAX, NULL) < 0)
		return 0;
	if (!grow_array(&links->list, &links->cap, links->n + 1, sizeof *links->list))
		return -ENOMEM;
	l = &links->list[links->n++];
	*l = (struct link_info){ .index = (uint32_t)body->ifi_index, .up = body->ifi_flags & IFF_UP };
	if (a[IFLA_MTU])
		l->mtu = nla_get_u32(a[IFLA_MTU]);
	if (a[IFLA_IFNAME])
		nla_strlcpy(l->name, a[IFLA_IFNAME], sizeof l->name);
	return 0;
}

int rt_links(struct rt *rt, struct links *out)
{
	return rt_dump(rt, link_message(RTM_GETLINK, 0, 0, 0), take_link, out);
}

int rt_link_find(struct rt *rt, const char *name, struct link_info *out)
{
	struct links links = { 0 };
	int r = rt_links(rt, &links);

	if (r == 0)
		r = -ENODEV;
	for (size_t i = 0; i < links.n; i++)
		if (strcmp(links.list[i].name, name) == 0) {
			*out = links.list[i];
			r = 0;
		}
	free(links.list);
	return r;
}

struct address_take {
	struct addresses *out;
	uint32_t index;
};

static struct ip_addr ip_from(struct nlattr *a, uint8_t family)
{
	struct ip_addr ip = { 0 };
	int n = family == IP_V4 ? 4 : 16;

	if (!a || nla_len(a) < n)
		return ip;
	ip.family = family;
	memcpy(ip.b, nla_data(a), (size_t)n);
	return ip;
}

static int take_address(void *ctx, struct nlmsghdr *h)
{
	struct address_take *t = ctx;
	struct ifaddrmsg *body = nlmsg_data(h);
	struct nlattr *a[IFA_MAX + 1];
	struct quick_address one = { 0 };
	uint8_t family;

	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof *body, a, IFA_MAX, NULL) < 0 ||
	    body->ifa_index != t->index)
		return 0;
	if (body->ifa_family != AF_INET && body->ifa_family != AF_INET6)
		return 0;
	family = body->ifa_family == AF_INET ? IP_V4 : IP_V6;
	one.bits = body->ifa_prefixlen;
	one.local = ip_from(a[IFA_LOCAL] ? a[IFA_LOCAL] : a[IFA_ADDRESS], family);
	one.peer = ip_from(a[IFA_ADDRESS], family);
	if (ip_equal(&one.local, &one.peer))
		one.peer = (struct ip_addr){ 0 };
	return one.local.family == IP_NONE || addresses_add(t->out, &one) ? 0 : -ENOMEM;
}

int rt_addresses(struct rt *rt, uint32_t index, struct addresses *out)
{
	struct address_take t = { out, index };
	struct ifaddrmsg body = { .ifa_index = index };
	struct nl_msg *m = nlmsg_alloc_size(128);

	if (!m || !nlmsg_put(m, 0, 0, RTM_GETADDR, 0, 0) ||
	    nlmsg_append(m, &body, sizeof body, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(m);
		return -ENOMEM;
	}
	return rt_dump(rt, m, take_address, &t);
}
