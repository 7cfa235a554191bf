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

static uint32_t attribute_u32(const struct nlmsghdr *h, size_t body, uint16_t type)
{
	const uint8_t *p = (const uint8_t *)h;
	uint32_t value = 0;

	for (size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(body); at + NLA_HDRLEN <= h->nlmsg_len;) {
		struct nlattr a;
		memcpy(&a, p + at, sizeof a);
		if (a.nla_len < NLA_HDRLEN || a.nla_len > h->nlmsg_len - at)
			break;
		if ((a.nla_type & NLA_TYPE_MASK) == type && a.nla_len >= NLA_HDRLEN + sizeof value)
			memcpy(&value, p + at + NLA_HDRLEN, sizeof value);
		at += NLA_ALIGN(a.nla_len);
	}
	return value;
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

static bool decode_address(struct netlink_event *out, const struct nlmsghdr *h)
{
	struct ifaddrmsg body;

	if (!copy_body(&body, sizeof body, h))
		return false;
	out->kind = NETLINK_EVENT_ADDRESS;
	out->link = body.ifa_index;
	out->removed = h->nlmsg_type == RTM_DELADDR;
	return true;
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
