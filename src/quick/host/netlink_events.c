/* Changes of the host's network. */
#include "netlink_events.h"

#include <errno.h>
/* libc first: the kernel's headers leave out what libc has declared, those of musl know nothing of the kernel's. */
#include <netinet/in.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVED_AT_ONCE = 64, MESSAGE_BYTES = 16384 };

int netlink_events_filter(struct netlink_events *e, const struct event_interest *i)
{
	return event_filter_routes(e->route.fd, i);
}

/* ---- messages ---- */

struct attribute {
	uint16_t type;
	size_t n;
	const uint8_t *p;
};

/* Start with *at 0. False: there is no other one. */
static bool next_attribute(struct attribute *out, size_t *at, const struct nlmsghdr *h, size_t body)
{
	const uint8_t *p = (const uint8_t *)h;
	struct nlattr a;

	if (*at == 0)
		*at = NLMSG_HDRLEN + NLMSG_ALIGN(body);
	if (*at + NLA_HDRLEN > h->nlmsg_len)
		return false;
	memcpy(&a, p + *at, sizeof a);
	if (a.nla_len < NLA_HDRLEN || a.nla_len > h->nlmsg_len - *at)
		return false;
	*out = (struct attribute){ (uint16_t)(a.nla_type & NLA_TYPE_MASK), a.nla_len - (size_t)NLA_HDRLEN, p + *at + NLA_HDRLEN };
	*at += NLA_ALIGN(a.nla_len);
	return true;
}

static uint32_t attribute_u32(const struct nlmsghdr *h, size_t body, uint16_t type)
{
	struct attribute a;
	uint32_t value = 0;

	for (size_t at = 0; next_attribute(&a, &at, h, body);)
		if (a.type == type && a.n >= sizeof value)
			memcpy(&value, a.p, sizeof value);
	return value;
}

#define HASH_START 0xcbf29ce484222325 /* FNV-1a */

static uint64_t hash(uint64_t so_far, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		so_far = (so_far ^ b[i]) * 0x100000001b3;
	return so_far;
}

static uint64_t hash_attribute(uint64_t so_far, const struct attribute *a)
{
	so_far = hash(so_far, &a->type, sizeof a->type);
	so_far = hash(so_far, &a->n, sizeof a->n);
	return hash(so_far, a->p, a->n);
}

static bool copy_body(void *to, size_t n, const struct nlmsghdr *h)
{
	if (h->nlmsg_len < NLMSG_HDRLEN + n)
		return false;
	memcpy(to, (const uint8_t *)h + NLMSG_HDRLEN, n);
	return true;
}

static bool decode_link(struct netlink_event *out, const struct nlmsghdr *h)
{
	struct ifinfomsg body;

	if (!copy_body(&body, sizeof body, h))
		return false;
	out->kind = NETLINK_EVENT_LINK;
	out->link = (uint32_t)body.ifi_index;
	out->mtu = attribute_u32(h, sizeof body, IFLA_MTU);
	out->link_up = (body.ifi_flags & IFF_UP) != 0;
	out->removed = h->nlmsg_type == RTM_DELLINK;
	return body.ifi_family == AF_UNSPEC || body.ifi_family == AF_INET6;
}

/* An address without IFA_LOCAL is IFA_ADDRESS, with it that is the other end's. */
static void identify_address(struct netlink_event *out, const struct nlmsghdr *h, const struct ifaddrmsg *body)
{
	const uint8_t fixed[] = { NETLINK_EVENT_ADDRESS, body->ifa_family, body->ifa_prefixlen };
	uint32_t flags = attribute_u32(h, sizeof *body, IFA_FLAGS), deprecated;
	uint64_t id = hash(HASH_START, fixed, sizeof fixed);
	struct attribute a;

	flags = flags ? flags : body->ifa_flags;
	deprecated = flags & IFA_F_DEPRECATED;
	id = hash(id, &body->ifa_index, sizeof body->ifa_index);
	for (size_t at = 0; next_attribute(&a, &at, h, sizeof *body);)
		if (a.type == IFA_LOCAL || a.type == IFA_ADDRESS)
			id = hash_attribute(id, &a);
	out->usable = !(flags & IFA_F_DADFAILED) && (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC));
	out->id = id;
	out->contents = hash(HASH_START, &deprecated, sizeof deprecated);
}

static bool decode_address(struct netlink_event *out, const struct nlmsghdr *h)
{
	struct ifaddrmsg body;

	if (!copy_body(&body, sizeof body, h))
		return false;
	out->kind = NETLINK_EVENT_ADDRESS;
	out->link = body.ifa_index;
	out->removed = h->nlmsg_type == RTM_DELADDR;
	identify_address(out, h, &body);
	return true;
}

/* Of IPv4, the kernel sends no message when nothing changes. A route with several links may end without a message. */
static void identify_route(struct netlink_event *out, const struct nlmsghdr *h, const struct rtmsg *body)
{
	const uint8_t fixed[] = { NETLINK_EVENT_ROUTE, body->rtm_family, body->rtm_dst_len, body->rtm_tos };
	uint64_t id = hash(HASH_START, fixed, sizeof fixed), contents = hash(HASH_START, body, sizeof *body);
	bool may_be_prolonged = body->rtm_family == AF_INET6 && out->link != 0;
	struct attribute a;

	id = hash(id, &out->table, sizeof out->table);
	for (size_t at = 0; next_attribute(&a, &at, h, sizeof *body);) {
		may_be_prolonged &= a.type != RTA_MULTIPATH && a.type != RTA_NH_ID;
		if (a.type == RTA_DST || a.type == RTA_PRIORITY)
			id = hash_attribute(id, &a);
		if (a.type != RTA_CACHEINFO && a.type != RTA_EXPIRES)
			contents = hash_attribute(contents, &a);
	}
	out->replaces = (h->nlmsg_flags & NLM_F_REPLACE) != 0;
	out->id = may_be_prolonged ? id : 0;
	out->contents = contents;
}

static bool decode_route(struct netlink_event *out, const struct nlmsghdr *h)
{
	struct rtmsg body;

	if (!copy_body(&body, sizeof body, h))
		return false;
	out->kind = NETLINK_EVENT_ROUTE;
	out->link = attribute_u32(h, sizeof body, RTA_OIF);
	out->table = attribute_u32(h, sizeof body, RTA_TABLE);
	if (out->table == 0)
		out->table = body.rtm_table;
	out->is_default = body.rtm_dst_len == 0;
	out->removed = h->nlmsg_type == RTM_DELROUTE;
	identify_route(out, h, &body);
	return !(body.rtm_flags & RTM_F_CLONED);
}

static bool decode(struct netlink_event *out, const struct nlmsghdr *h)
{
	*out = (struct netlink_event){ .pid = h->nlmsg_pid };
	switch (h->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return decode_link(out, h);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return decode_address(out, h);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return decode_route(out, h);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		out->kind = NETLINK_EVENT_RULE;
		out->removed = h->nlmsg_type == RTM_DELRULE;
		return true;
	}
	return false;
}

/* -EAGAIN: there is nothing more. */
static ssize_t receive(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = recv(fd, p, n, MSG_DONTWAIT | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got > (ssize_t)n ? -ENOBUFS : got;
}

static void lose(struct netlink_events *e)
{
	const struct netlink_event lost = { .kind = NETLINK_EVENT_LOST };

	e->handle(e, &lost);
}

static void route_ready(struct event_source *s)
{
	static uint64_t buffer[MESSAGE_BYTES / sizeof(uint64_t)];
	struct netlink_events *e = container_of(s, struct netlink_events, route);

	for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
		ssize_t n = receive(s->fd, buffer, sizeof buffer);
		size_t left = n < 0 ? 0 : (size_t)n;
		if (n == -EAGAIN)
			return;
		if (n < 0)
			lose(e);
		for (const uint8_t *p = (const uint8_t *)buffer; left >= NLMSG_HDRLEN;) {
			const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)p;
			struct netlink_event event;
			size_t all = NLMSG_ALIGN((size_t)h->nlmsg_len);
			if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > left)
				break;
			if (decode(&event, h))
				e->handle(e, &event);
			p += all;
			left -= all < left ? all : left;
		}
	}
}

/* The filter has chosen; the first message tells who made the change. */
static void firewall_ready(struct event_source *s)
{
	static uint64_t buffer[MESSAGE_BYTES / sizeof(uint64_t)];
	struct netlink_events *e = container_of(s, struct netlink_events, firewall);

	for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
		ssize_t n = receive(s->fd, buffer, sizeof buffer);
		struct netlink_event event = { .kind = NETLINK_EVENT_FIREWALL, .removed = true };
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buffer;
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			lose(e);
			continue;
		}
		if ((size_t)n >= NLMSG_HDRLEN)
			event.pid = h->nlmsg_pid;
		e->handle(e, &event);
	}
}

/* ---- sockets ---- */

static int join(int fd, const unsigned int *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int group = (int)groups[i];
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
			return -errno;
	}
	return 0;
}

static int open_socket(struct event_source *s, struct event_loop *l, int protocol)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK }; /* without a number, it would not receive */
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), r;

	s->fd = -1;
	if (fd < 0)
		return -errno;
	r = bind(fd, (const struct sockaddr *)&any, sizeof any) < 0 ? -errno : event_loop_add(l, s, fd);
	if (r < 0)
		close(fd);
	return r;
}

static void close_socket(struct netlink_events *e, struct event_source *s)
{
	int fd = s->fd;

	event_loop_remove(e->loop, s);
	if (fd >= 0)
		close(fd);
}

static int open_firewall(struct netlink_events *e)
{
	static const unsigned int group = NFNLGRP_NFTABLES;
	int r = open_socket(&e->firewall, e->loop, NETLINK_NETFILTER);

	if (r == 0)
		r = event_filter_firewall(e->firewall.fd);
	if (r == 0)
		r = join(e->firewall.fd, &group, 1);
	if (r < 0)
		close_socket(e, &e->firewall);
	return r == -EPROTONOSUPPORT || r == -ENOENT || r == -EINVAL ? 0 : r;
}

int netlink_events_open(struct netlink_events *e, struct event_loop *l)
{
	static const unsigned int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
					       RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };
	const struct event_interest none = { 0 };
	int r;

	e->loop = l;
	e->route.ready = route_ready;
	e->firewall = (struct event_source){ .fd = -1, .ready = firewall_ready };
	r = open_socket(&e->route, l, NETLINK_ROUTE);
	if (r == 0)
		r = netlink_events_filter(e, &none);
	if (r == 0)
		r = join(e->route.fd, groups, ARRAY_LEN(groups));
	if (r == 0)
		r = open_firewall(e);
	if (r < 0)
		netlink_events_close(e);
	return r;
}

void netlink_events_close(struct netlink_events *e)
{
	close_socket(e, &e->route);
	close_socket(e, &e->firewall);
}
