/* RTM_NEWROUTE and friends, looked at only as far as to know whether they matter. */
#include "routes.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include "netlink.h"

#define ROUTE_GROUPS (RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | \
		      1u << (RTNLGRP_IPV6_RULE - 1))

int routes_open(void)
{
	return netlink_open(ROUTE_GROUPS);
}

static uint32_t out_interface(const struct netlink_view *v)
{
	const void *p = netlink_attribute(v->p, v->n, RTA_OIF, sizeof(uint32_t), NULL);
	uint32_t index = 0;

	if (p)
		memcpy(&index, p, sizeof index);
	return index;
}

static bool route_matters(const struct rtmsg *r, uint32_t index, uint32_t own)
{
	return !(r->rtm_flags & RTM_F_CLONED) && r->rtm_type != RTN_LOCAL &&
	       r->rtm_type != RTN_BROADCAST && r->rtm_type != RTN_ANYCAST &&
	       r->rtm_type != RTN_MULTICAST && (index == 0 || index != own);
}

bool routes_matter(const void *messages, size_t n, uint32_t own)
{
	struct netlink_view v;
	struct rtmsg r;

	while (netlink_next(&v, &messages, &n)) {
		if (v.type == RTM_NEWRULE || v.type == RTM_DELRULE)
			return true;
		if ((v.type == RTM_NEWROUTE || v.type == RTM_DELROUTE) &&
		    netlink_family(&v, &r, sizeof r) && route_matters(&r, out_interface(&v), own))
			return true;
	}
	return false;
}

bool routes_read(int fd, uint32_t own)
{
	uint8_t buffer[NETLINK_ROOM * 2];
	bool matters = false;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			matters = true; /* news were lost */
		else if (n < 0 && errno != EINTR)
			return matters;
		else if (n > 0)
			matters |= routes_matter(buffer, (size_t)n, own);
	}
}

/* ---- one way ---- */

bool routes_allow(const struct wg_path *path, uint32_t mark)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_src_len = 32 };
	struct netlink_message m;
	uint8_t reply[2048];
	const void *messages = reply;
	struct netlink_view v;
	size_t n = 0;

	if (path->remote.addr.family != IP_V4)
		return true;
	netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
	netlink_put(&m, RTA_DST, path->remote.addr.b, 4);
	netlink_put(&m, RTA_SRC, path->local.b, 4);
	if (mark)
		netlink_put(&m, RTA_MARK, &mark, sizeof mark);
	return netlink_ask(&m, reply, sizeof reply, &n) == 0 && netlink_next(&v, &messages, &n) &&
	       netlink_family(&v, &r, sizeof r) && out_interface(&v) == path->ifindex;
}

/* ---- MTU of routes ---- */

struct least_mtu {
	uint32_t ifindex, mtu;
};

static void least_mtu(void *ctx, const void *messages, size_t n)
{
	struct least_mtu *least = ctx;

	struct netlink_view v;
	struct rtmsg r;

	while (netlink_next(&v, &messages, &n)) {
		const void *p, *metrics;
		uint32_t mtu;
		size_t size;
		if (v.type != RTM_NEWROUTE || !netlink_family(&v, &r, sizeof r) ||
		    (r.rtm_flags & RTM_F_CLONED) || out_interface(&v) != least->ifindex)
			continue;
		metrics = netlink_attribute(v.p, v.n, RTA_METRICS, 0, &size);
		p = metrics ? netlink_attribute(metrics, size, RTAX_MTU, sizeof mtu, NULL) : NULL;
		if (!p)
			continue;
		memcpy(&mtu, p, sizeof mtu);
		if (mtu && (least->mtu == 0 || mtu < least->mtu))
			least->mtu = mtu;
	}
}

uint32_t routes_least_mtu(uint32_t ifindex)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	struct least_mtu least = { .ifindex = ifindex };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct rtmsg r = { .rtm_family = families[i] };
		struct netlink_message m;
		netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
		netlink_put(&m, RTA_OIF, &ifindex, sizeof ifindex);
		if (netlink_dump(&m, least_mtu, &least) != 0)
			continue; /* that family is not here */
	}
	return least.mtu;
}

int routes_filter(int fd)
{
	static struct sock_filter code[] = {
		/* the type is the first 16 bits after the length, in the machine's order */
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __builtin_bswap16(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __builtin_bswap16(RTM_DELROUTE), 0, 4),
		BPF_STMT(BPF_LDX | BPF_IMM, RTA_METRICS),
		BPF_STMT(BPF_LD | BPF_IMM, NLMSG_LENGTH(sizeof(struct rtmsg))),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	code[1].k = RTM_NEWROUTE;
	code[2].k = RTM_DELROUTE;
#endif
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}
