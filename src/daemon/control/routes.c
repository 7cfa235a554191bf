/* Events and queries of routes (rtnetlink(7)), read only as far as the daemon needs them. */
#include "routes.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include "netlink.h"

#define ROUTE_GROUPS (RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | \
		      1u << (RTNLGRP_IPV6_RULE - 1))

int routes_subscribe(void)
{
	return netlink_open(ROUTE_GROUPS);
}

static uint32_t out_interface(const struct netlink_view *v)
{
	const void *p = netlink_find_attribute(v->p, v->n, RTA_OIF, sizeof(uint32_t), NULL);
	uint32_t index = 0;

	if (p)
		memcpy(&index, p, sizeof index);
	return index;
}

static bool route_affects_paths(const struct rtmsg *r, uint32_t index, uint32_t own_ifindex)
{
	return !(r->rtm_flags & RTM_F_CLONED) && r->rtm_type != RTN_LOCAL &&
	       r->rtm_type != RTN_BROADCAST && r->rtm_type != RTN_ANYCAST &&
	       r->rtm_type != RTN_MULTICAST && (index == 0 || index != own_ifindex);
}

bool routes_affect_paths(const void *messages, size_t n, uint32_t own_ifindex)
{
	struct netlink_view v;
	struct rtmsg r;

	while (netlink_next(&v, &messages, &n)) {
		if (v.type == RTM_NEWRULE || v.type == RTM_DELRULE)
			return true;
		if ((v.type == RTM_NEWROUTE || v.type == RTM_DELROUTE) &&
		    netlink_read_family(&v, &r, sizeof r) && route_affects_paths(&r, out_interface(&v), own_ifindex))
			return true;
	}
	return false;
}

bool routes_read_events(int fd, uint32_t own_ifindex)
{
	uint8_t buffer[NETLINK_BUFFER_BYTES * 2];
	bool affected = false;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			affected = true; /* events were lost */
		else if (n < 0 && errno != EINTR)
			return affected;
		else if (n > 0)
			affected |= routes_affect_paths(buffer, (size_t)n, own_ifindex);
	}
}

/* ---- a path ---- */

bool routes_confirm_path(const struct wg_path *path, uint32_t mark)
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
	return netlink_request(&m, reply, sizeof reply, &n) == 0 && netlink_next(&v, &messages, &n) &&
	       netlink_read_family(&v, &r, sizeof r) && out_interface(&v) == path->ifindex;
}

/* ---- MTU of routes ---- */

struct min_mtu {
	uint32_t ifindex, mtu;
};

static void collect_min_mtu(void *ctx, const void *messages, size_t n)
{
	struct min_mtu *min = ctx;
	struct netlink_view v;
	struct rtmsg r;

	while (netlink_next(&v, &messages, &n)) {
		const void *p, *metrics;
		uint32_t mtu;
		size_t size;
		if (v.type != RTM_NEWROUTE || !netlink_read_family(&v, &r, sizeof r) ||
		    (r.rtm_flags & RTM_F_CLONED) || out_interface(&v) != min->ifindex)
			continue;
		metrics = netlink_find_attribute(v.p, v.n, RTA_METRICS, 0, &size);
		p = metrics ? netlink_find_attribute(metrics, size, RTAX_MTU, sizeof mtu, NULL) : NULL;
		if (!p)
			continue;
		memcpy(&mtu, p, sizeof mtu);
		if (mtu && (min->mtu == 0 || mtu < min->mtu))
			min->mtu = mtu;
	}
}

uint32_t routes_min_mtu(uint32_t ifindex)
{
	static const unsigned char families[] = { AF_INET, AF_INET6 };
	struct min_mtu min = { .ifindex = ifindex };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct rtmsg r = { .rtm_family = families[i] };
		struct netlink_message m;
		netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
		netlink_put(&m, RTA_OIF, &ifindex, sizeof ifindex);
		if (netlink_dump(&m, collect_min_mtu, &min) != 0)
			continue; /* the kernel lacks this family */
	}
	return min.mtu;
}

int routes_attach_filter(int fd)
{
	static struct sock_filter code[] = {
		/* the message type, in native byte order; BPF loads big-endian numbers */
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
