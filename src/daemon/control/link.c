/* The link of the TUN device: its state, its settings, and its network namespace. */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/io/netlink.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "link_defaults.h"
#include "routes.h"
#include "vxlan_links.h"

static_assert(CMSG_SPACE(sizeof(int)) <= 64, "the namespace id fits into the buffer of link_update");

enum {
	LINK_MTU = 1420,
	LINK_QUEUE = 1000,
	V6_MIN_MTU = 1280, /* RFC 8200, 5; below it, the kernel removes IPv6 and its settings from a link */
	FOLLOW_TRIES = 20,
};
#define MTU_READ_NS (10 * NS_PER_S) /* between two searches */
#define VXLAN_READ_NS NS_PER_S      /* between two lists */
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { QUEUE_DROPPED_AT = offsetof(struct rtnl_link_stats64, tx_dropped) };

/* ---- events ---- */

static void state_from(struct link_state *state, const struct ifinfomsg *i, const struct netlink_view *v)
{
	const void *p = netlink_find_attribute(v->p, v->n, IFLA_MTU, sizeof state->mtu, NULL);
	const uint8_t *stats = netlink_find_attribute(v->p, v->n, IFLA_STATS64,
						       QUEUE_DROPPED_AT + sizeof state->queue_dropped, NULL);
	size_t size;
	const char *name = netlink_find_attribute(v->p, v->n, IFLA_IFNAME, 2, &size);

	state->ifindex = (uint32_t)i->ifi_index;
	state->up = i->ifi_flags & IFF_UP;
	if (p)
		memcpy(&state->mtu, p, sizeof state->mtu);
	if (stats)
		memcpy(&state->queue_dropped, stats + QUEUE_DROPPED_AT, sizeof state->queue_dropped);
	if (name) {
		memset(state->name, 0, sizeof state->name);
		memcpy(state->name, name, strnlen(name, size < sizeof state->name ?
								size : sizeof state->name - 1));
	}
}

unsigned int link_parse_events(struct link_state *state, const void *messages, size_t n)
{
	unsigned int events = LINK_EVENT_NONE;
	struct netlink_view v;
	struct ifinfomsg i;

	while (netlink_next(&v, &messages, &n)) {
		if ((v.type == RTM_NEWROUTE || v.type == RTM_DELROUTE) && state->ifindex != 0 &&
		    !routes_update_min_mtu(&state->route_mtu, &v, state->ifindex))
			events |= LINK_EVENT_ROUTES;
		if ((v.type != RTM_NEWLINK && v.type != RTM_DELLINK) ||
		    !netlink_read_family(&v, &i, sizeof i) || i.ifi_family != AF_UNSPEC ||
		    (state->ifindex != 0 && state->ifindex != (uint32_t)i.ifi_index))
			continue;
		if (v.type == RTM_DELLINK) {
			events |= LINK_EVENT_DELETED;
			continue;
		}
		events = (events & LINK_EVENT_ROUTES) | LINK_EVENT_CHANGED; /* cancels an earlier deletion */
		state_from(state, &i, &v);
	}
	return events;
}

/* Reads the state of the link by name, in the current namespace. */
static int link_query(struct link_state *out, const char *name)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct netlink_message m;
	uint8_t reply[NETLINK_BUFFER_BYTES];
	size_t n = 0;
	int error;

	memset(out, 0, sizeof *out);
	netlink_begin(&m, RTM_GETLINK, 0, &i, sizeof i);
	netlink_put(&m, IFLA_IFNAME, name, strlen(name) + 1);
	error = netlink_request(&m, reply, sizeof reply, &n);
	if (!error && !(link_parse_events(out, reply, n) & LINK_EVENT_CHANGED))
		error = -ENODEV;
	return error;
}

bool link_queue_dropped(const struct link *l, uint64_t *n)
{
	struct link_state now;
	int error;

	if ((l->in_other_ns && l->requests < 0) || l->now.ifindex == 0)
		return false;
	netlink_use_socket(l->requests);
	error = link_query(&now, l->now.name);
	netlink_use_socket(-1);
	if (error || now.ifindex != l->now.ifindex)
		return false;
	*n = now.queue_dropped;
	return true;
}

/* ---- a new link ---- */

static int link_configure(const struct link_state *now)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = (int)now->ifindex,
			       .ifi_change = IFF_MULTICAST };
	struct netlink_message m;
	uint32_t mtu = LINK_MTU, queue = LINK_QUEUE;

	netlink_begin(&m, RTM_SETLINK, 0, &i, sizeof i);
	netlink_put(&m, IFLA_MTU, &mtu, sizeof mtu);
	netlink_put(&m, IFLA_TXQLEN, &queue, sizeof queue);
	return netlink_request(&m, NULL, 0, NULL);
}

/* ---- namespaces ---- */

static uint64_t inode_of(int fd)
{
	struct stat s;

	return fd >= 0 && fstat(fd, &s) == 0 ? (uint64_t)s.st_ino : 0;
}

static int own_namespace(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), s;

	if (fd >= 0)
		return fd;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd = s < 0 ? -1 : ioctl(s, SIOCGSKNS);
	if (s >= 0)
		close(s);
	return fd;
}

static void raise_privileges(const struct link *l, bool raise)
{
	if (l->raise_privileges)
		l->raise_privileges(raise);
}

/* Between these two, the thread is in the namespace of the link, with raised privileges; or its requests are made there. */
static bool enter(void *ctx)
{
	struct link *l = ctx;
	int ns, error;

	if (l->requests >= 0) {
		netlink_use_socket(l->requests);
		return true;
	}
	raise_privileges(l, true);
	if (!l->in_other_ns)
		return true;
	ns = tun_netns(l->tun);
	error = ns < 0 ? -ns : setns(ns, CLONE_NEWNET) == 0 ? 0 : errno;
	if (ns >= 0)
		close(ns);
	if (!error)
		return true;
	raise_privileges(l, false);
	log_verbose("cannot enter the namespace of the link: %s", strerror(error));
	return false;
}

static void leave(void *ctx)
{
	struct link *l = ctx;

	if (l->requests >= 0) {
		netlink_use_socket(-1);
		return;
	}
	if (l->in_other_ns && setns(l->daemon_ns, CLONE_NEWNET) != 0)
		unreachable(); /* everything else would happen in the wrong namespace */
	raise_privileges(l, false);
}

/* The id of another namespace in that of the daemon, which the kernel assigns on request. */
static int nsid_of(int *nsid, int ns)
{
	struct rtgenmsg g = { .rtgen_family = AF_UNSPEC };
	struct netlink_message m;
	uint8_t reply[256];
	const void *p = NULL, *messages = reply;
	struct netlink_view v;
	int32_t any = -1;
	size_t n = 0;
	int error;

	netlink_begin(&m, RTM_NEWNSID, 0, &g, sizeof g);
	netlink_put(&m, NETNSA_FD, &ns, sizeof ns);
	netlink_put(&m, NETNSA_NSID, &any, sizeof any);
	error = netlink_request(&m, NULL, 0, NULL);
	if (error && error != -EEXIST)
		return error;
	netlink_begin(&m, RTM_GETNSID, 0, &g, sizeof g);
	netlink_put(&m, NETNSA_FD, &ns, sizeof ns);
	error = netlink_request(&m, reply, sizeof reply, &n);
	if (!error && netlink_next(&v, &messages, &n) && netlink_read_family(&v, &g, sizeof g))
		p = netlink_find_attribute(v.p, v.n, NETNSA_NSID, sizeof *nsid, NULL);
	if (p)
		memcpy(nsid, p, sizeof *nsid);
	return error ? error : p && *nsid >= 0 ? 0 : -ENOENT;
}

/* Makes the socket receive events of the namespace of the link. */
static int subscribe(struct link *l, int ns)
{
	int all = l->in_other_ns, error = 0;

	if (l->in_other_ns)
		error = nsid_of(&l->nsid, ns);
	if (!error && setsockopt(l->netlink, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &all,
				 sizeof all) != 0 && all)
		error = -errno;
	return error;
}

/* In the namespace of the link. Joining VXLAN packets stops meanwhile only for the port of a device that is gone. */
static void read_vxlan_links(struct link *l)
{
	l->vxlan_is_stale = false;
	l->vxlan_read_ns = clock_boot_ns();
	if (l->tun->join & JOIN_VXLAN)
		vxlan_links_read(&l->tun->tunnels);
}

enum attach_reason { ATTACH_NEW, ATTACH_TAKEN_OVER, ATTACH_AGAIN };

/* In the namespace of the link. */
static int attach_inside(struct link *l, enum attach_reason reason)
{
	char name[16];
	int error = tun_name(l->tun, name);

	if (!error)
		error = link_query(&l->now, name);
	if (!error && reason == ATTACH_NEW && !(l->requests >= 0 && l->now.up)) /* up: it had a daemon before */
		error = link_configure(&l->now);
	if (!error && reason != ATTACH_TAKEN_OVER) {
		link_defaults_apply(&l->now, l->requests < 0);
		error = link_query(&l->now, name);
	}
	if (!error)
		error = routes_attach_filter(l->netlink, l->now.ifindex);
	if (error)
		return error;
	l->now.route_mtu = routes_min_mtu(l->now.ifindex);
	read_vxlan_links(l);
	return 0;
}

static void set_icmp(struct link *l)
{
	icmp_close(l->icmp);
	l->icmp->ctx = l;
	l->icmp->enter = l->in_other_ns ? enter : NULL;
	l->icmp->leave = l->in_other_ns ? leave : NULL;
	if (l->in_other_ns)
		return;
	raise_privileges(l, true);
	icmp_open(l->icmp);
	raise_privileges(l, false);
}

/* The sockets that were passed stay in the namespace, which is not that of the daemon. */
static int attach_by_sockets(struct link *l, enum attach_reason reason)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };
	int error = 0;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (setsockopt(l->netlink, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) != 0)
			error = -errno;
	l->in_other_ns = true;
	l->is_watched = !error;
	l->icmp->no_conntrack_until_ns = NEVER; /* that of the namespace of the daemon */
	if (error)
		log_error("cannot watch the link: %s", strerror(-error));
	if (!enter(l))
		unreachable();
	error = attach_inside(l, reason);
	leave(l);
	return error;
}

/* Finds the namespace of the link and reads its state there. -ENODEV: it has moved meanwhile, or was deleted. */
static int link_attach(struct link *l, enum attach_reason reason)
{
	int ns, error;

	if (l->requests >= 0)
		return attach_by_sockets(l, reason);
	ns = tun_netns(l->tun);
	if (ns == -EBADFD)
		return -ENODEV;
	l->ns_inode = inode_of(ns);
	l->in_other_ns = ns >= 0 && l->daemon_ns >= 0 && l->ns_inode != inode_of(l->daemon_ns);
	raise_privileges(l, true);
	error = subscribe(l, ns);
	raise_privileges(l, false);
	l->is_watched = !error;
	if (ns >= 0)
		close(ns);
	set_icmp(l);
	if (error)
		log_error("cannot watch the link in its namespace: %s", strerror(-error));
	if (!enter(l))
		return -EPERM;
	error = attach_inside(l, reason);
	leave(l);
	return error;
}

/* Attaches until the link is still in the namespace in which it was found. */
static int link_follow(struct link *l, enum attach_reason reason)
{
	int error = -ENODEV;

	for (int tries = 0; tries < FOLLOW_TRIES && error == -ENODEV; tries++) {
		uint64_t ns_inode;
		int ns;
		error = link_attach(l, reason);
		if (error == -ENODEV && tun_name(l->tun, l->now.name) == -EBADFD)
			return -ENODEV;
		ns = l->requests < 0 ? tun_netns(l->tun) : -1;
		ns_inode = inode_of(ns);
		if (ns >= 0)
			close(ns);
		if (!error && ns >= 0 && ns_inode != l->ns_inode)
			error = -ENODEV; /* it has moved again */
	}
	if (!l->is_watched || (error && error != -ENODEV))
		l->now.up = true; /* without events, assume that it is up */
	return error;
}

int link_open_by_sockets(struct link *l, struct tun *tun, struct icmp *icmp, const int fds[LINK_FDS])
{
	*l = (struct link){ .tun = tun, .daemon_ns = -1, .icmp = icmp };
	l->netlink = fds[LINK_FD_EVENTS];
	l->requests = fds[LINK_FD_REQUESTS];
	icmp_take_fds(icmp, fds[LINK_FD_ICMP], fds[LINK_FD_ICMP6]);
	for (int i = 0; i < LINK_FDS; i++)
		if (fds[i] >= 0 && fcntl(fds[i], F_SETFD, FD_CLOEXEC) != 0)
			return -errno;
	return link_follow(l, ATTACH_NEW);
}

int link_open(struct link *l, struct tun *tun, struct icmp *icmp, enum link_origin origin)
{
	*l = (struct link){ .tun = tun, .daemon_ns = own_namespace(), .requests = -1, .icmp = icmp };
	icmp->v4 = icmp->v6 = -1;
	l->netlink = netlink_open(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	if (l->netlink < 0) {
		int error = l->netlink;
		link_close(l);
		return error;
	}
	return link_follow(l, origin == LINK_NEW ? ATTACH_NEW : ATTACH_TAKEN_OVER);
}

void link_close(struct link *l)
{
	icmp_close(l->icmp);
	if (l->netlink >= 0)
		close(l->netlink);
	if (l->daemon_ns >= 0)
		close(l->daemon_ns);
	if (l->requests >= 0)
		close(l->requests);
	l->netlink = l->daemon_ns = l->requests = -1;
}

void link_apply_defaults(struct link *l)
{
	if (!l->defaults_due)
		return;
	l->defaults_due = false;
	if (!enter(l))
		return;
	link_defaults_apply(&l->now, l->requests < 0);
	leave(l);
}

/* A control message has the id of the namespace of an event. Without one, it is that of the daemon. */
static bool is_from_link_namespace(const struct link *l, struct msghdr *m)
{
	if (l->requests >= 0)
		return true; /* the socket is in that of the link */
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int nsid;
		if (c->cmsg_level != SOL_NETLINK || c->cmsg_type != NETLINK_LISTEN_ALL_NSID)
			continue;
		memcpy(&nsid, CMSG_DATA(c), sizeof nsid);
		return l->in_other_ns && nsid == l->nsid;
	}
	return !l->in_other_ns;
}

static uint64_t route_mtu_deadline(const struct link *l)
{
	return l->mtu_is_stale ? l->mtu_read_ns + MTU_READ_NS : NEVER;
}

/* The kernel searches all of its routes, so this may take a while where there are many. A limit that is too low in the
 * meantime only makes padding shorter. */
static void reread_route_mtu(struct link *l)
{
	uint64_t now_ns = clock_boot_ns();

	if (now_ns < route_mtu_deadline(l))
		return;
	l->mtu_is_stale = false;
	l->mtu_read_ns = now_ns;
	if (!enter(l))
		return;
	l->now.route_mtu = routes_min_mtu(l->now.ifindex);
	leave(l);
}

static void reread_vxlan_links(struct link *l)
{
	uint64_t now_ns = clock_boot_ns();

	if (!l->vxlan_is_stale || now_ns < l->vxlan_read_ns + VXLAN_READ_NS)
		return;
	l->vxlan_is_stale = false;
	l->vxlan_read_ns = now_ns;
	if (!enter(l))
		return;
	read_vxlan_links(l);
	leave(l);
}

uint64_t link_deadline(const struct link *l)
{
	uint64_t mtu_ns = route_mtu_deadline(l), vxlan_ns = l->vxlan_is_stale ? l->vxlan_read_ns + VXLAN_READ_NS : NEVER;

	return mtu_ns < vxlan_ns ? mtu_ns : vxlan_ns;
}

static unsigned int read_events(struct link *l, const void *messages, size_t n)
{
	if (l->tun->join & JOIN_VXLAN)
		l->vxlan_is_stale |= vxlan_links_update(&l->tun->tunnels, messages, n);
	return link_parse_events(&l->now, messages, n);
}

int link_update(struct link *l)
{
	uint8_t buffer[NETLINK_BUFFER_BYTES * 2];
	_Alignas(8) uint8_t control[64];
	struct link_state before = l->now;
	unsigned int events = LINK_EVENT_NONE;

	for (;;) {
		struct iovec iov = { buffer, sizeof buffer };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof control };
		ssize_t n = recvmsg(l->netlink, &m, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) /* events were lost: read everything again */
			events |= LINK_EVENT_DELETED;
		else if (n < 0)
			break;
		else if (is_from_link_namespace(l, &m))
			events |= read_events(l, buffer, (size_t)n);
	}
	if (events & LINK_EVENT_DELETED) {
		int error = link_follow(l, ATTACH_AGAIN);
		return error == -ENODEV ? error : 0;
	}
	/* Going down removes routes without an event. */
	if ((events & LINK_EVENT_ROUTES) || (l->now.up && !before.up && l->now.route_mtu != 0))
		l->mtu_is_stale = true;
	reread_route_mtu(l);
	reread_vxlan_links(l);
	l->defaults_due |= (l->now.up && !before.up) ||
			(before.mtu < V6_MIN_MTU && l->now.mtu >= V6_MIN_MTU);
	return 0;
}
