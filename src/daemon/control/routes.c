/* Events and queries of routes (rtnetlink(7)), read only as far as the daemon needs them. */
#include "routes.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "daemon/io/netlink.h"

#define GROUP(name) (1u << ((name) - 1))
#define ROUTE_GROUPS (RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | \
		      GROUP(RTNLGRP_IPV6_RULE) | GROUP(RTNLGRP_NEXTHOP))
#define CHANGE_NS (NS_PER_S / 2)

enum {
	CHANGES_BURST = 8,
	READS_MAX = 64, /* of one turn */
};

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

/* The kernel removes the routes through a link that goes down without an event for each. */
static bool link_affects_paths(struct netlink_view *v, uint32_t own_ifindex)
{
	struct ifinfomsg i;

	return netlink_read_family(v, &i, sizeof i) && i.ifi_family == AF_UNSPEC &&
	       (uint32_t)i.ifi_index != own_ifindex;
}

static bool message_affects_paths(struct netlink_view *v, uint32_t own_ifindex)
{
	struct rtmsg r;

	switch (v->type) {
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return true;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return netlink_read_family(v, &r, sizeof r) && route_affects_paths(&r, out_interface(v), own_ifindex);
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_affects_paths(v, own_ifindex);
	}
	return false;
}

bool routes_affect_paths(const void *messages, size_t n, uint32_t own_ifindex)
{
	struct netlink_view v;

	while (netlink_next(&v, &messages, &n))
		if (message_affects_paths(&v, own_ifindex))
			return true;
	return false;
}

bool routes_read_events(int fd, uint32_t own_ifindex)
{
	uint8_t buffer[NETLINK_BUFFER_BYTES * 2];
	bool affected = false;

	for (unsigned int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			affected = true; /* events were lost */
		else if (n < 0 && errno != EINTR)
			break;
		else if (n > 0 && !affected)
			affected = routes_affect_paths(buffer, (size_t)n, own_ifindex);
	}
	return affected;
}

/* ---- how often changes count ---- */

bool route_changes_take(struct route_changes *c, uint64_t now_ns)
{
	uint64_t full_ns = (c->full_ns > now_ns ? c->full_ns : now_ns) + CHANGE_NS;

	if (!c->is_pending || full_ns > now_ns + CHANGES_BURST * CHANGE_NS)
		return false;
	*c = (struct route_changes){ .full_ns = full_ns };
	return true;
}

uint64_t route_changes_deadline(const struct route_changes *c)
{
	const uint64_t before_full_ns = (CHANGES_BURST - 1) * CHANGE_NS;

	if (!c->is_pending)
		return NEVER;
	return c->full_ns > before_full_ns ? c->full_ns - before_full_ns : 0;
}

/* ---- MTU of routes ---- */

/* The MTU metric of a route; 0: none. */
static uint32_t mtu_of(const struct netlink_view *v)
{
	const void *p, *metrics;
	uint32_t mtu = 0;
	size_t size;

	metrics = netlink_find_attribute(v->p, v->n, RTA_METRICS, 0, &size);
	p = metrics ? netlink_find_attribute(metrics, size, RTAX_MTU, sizeof mtu, NULL) : NULL;
	if (p)
		memcpy(&mtu, p, sizeof mtu);
	return mtu;
}

/* Whether the route leads through the link, also as one of several. */
static bool is_through(const struct netlink_view *v, uint32_t ifindex)
{
	size_t n = 0;
	const uint8_t *p = netlink_find_attribute(v->p, v->n, RTA_MULTIPATH, 0, &n);
	struct rtnexthop hop;

	if (out_interface(v) == ifindex)
		return true;
	while (p && n >= sizeof hop) {
		size_t step;
		memcpy(&hop, p, sizeof hop);
		step = RTNH_ALIGN((size_t)hop.rtnh_len);
		if ((uint32_t)hop.rtnh_ifindex == ifindex)
			return true;
		if (step < sizeof hop || step >= n)
			break;
		p += step;
		n -= step;
	}
	return false;
}

/* The MTU metric of a route through the link, after netlink_next; 0: it is none, or has none. */
static uint32_t mtu_through(struct netlink_view *v, uint32_t ifindex)
{
	struct rtmsg r;

	return netlink_read_family(v, &r, sizeof r) && !(r.rtm_flags & RTM_F_CLONED) && is_through(v, ifindex) ?
		       mtu_of(v) : 0;
}

static bool lower_to(uint32_t *min, uint32_t mtu)
{
	if (*min != 0 && mtu >= *min)
		return false;
	*min = mtu;
	return true;
}

bool routes_update_min_mtu(uint32_t *min, struct netlink_view *v, uint32_t ifindex)
{
	uint32_t mtu = mtu_through(v, ifindex);

	if (mtu == 0)
		return true;
	if (v->type == RTM_DELROUTE)
		return mtu != *min;
	return lower_to(min, mtu) || mtu == *min || !(v->flags & NLM_F_REPLACE);
}

struct min_mtu {
	uint32_t ifindex, mtu;
};

static void collect_min_mtu(void *ctx, const void *messages, size_t n)
{
	struct min_mtu *min = ctx;
	struct netlink_view v;

	while (netlink_next(&v, &messages, &n)) {
		uint32_t mtu = v.type == RTM_NEWROUTE ? mtu_through(&v, min->ifindex) : 0;
		if (mtu)
			(void)lower_to(&min->mtu, mtu);
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

/* Three instructions: load the offset of an attribute of a route; 0: it has none of this type. */
#define LOAD_OFFSET(attribute) \
	BPF_STMT(BPF_LDX | BPF_IMM, (attribute)), \
	BPF_STMT(BPF_LD | BPF_IMM, NLMSG_LENGTH(sizeof(struct rtmsg))), \
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR))

/* BPF loads big-endian numbers; netlink has those of the machine. */
int routes_attach_filter(int fd, uint32_t ifindex)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 11), /* other types: accept */
		LOAD_OFFSET(RTA_METRICS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 8, 0),
		LOAD_OFFSET(RTA_OIF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0), /* several interfaces: accept */
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, RTA_LENGTH(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ifindex), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}
