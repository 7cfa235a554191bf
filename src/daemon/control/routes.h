/* Routing tables of the host: events about routes, rules and links, on which the sources of paths depend, and the MTU
 * of the routes through the link. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "daemon/io/netlink.h"

/* A netlink socket that receives events of routes, rules, next hops and links, or -errno. */
must_check int routes_subscribe(void);
/* Reads events from it, a bounded number. True: something changed that may affect the paths of peers. Routes through
 * the link own_ifindex (0: none) and the link itself do not count, nor do local and multicast routes of the kernel. */
bool routes_read_events(int fd, uint32_t own_ifindex);
/* Pure: the same for one buffer of messages. */
bool routes_affect_paths(const void *messages, size_t n, uint32_t own_ifindex);

/* Pure: how often changes count. Each makes the routes of all peers that send be looked up once, so after a few,
 * those of half a second count as one. */
struct route_changes { /* zeroed: none */
	bool is_pending; /* routes have changed */
	uint64_t full_ns; /* when the token bucket will be full again */
};
must_check bool route_changes_take(struct route_changes *c, uint64_t now_ns); /* true: they count now */
uint64_t route_changes_deadline(const struct route_changes *c);

/* The least MTU metric of the routes through the link; 0: no route has one. Asks only for these. */
uint32_t routes_min_mtu(uint32_t ifindex);
/* Pure: follows that minimum with a message about a route, after netlink_next. False: it has to be asked for again,
 * as the route that had it may be gone. */
must_check bool routes_update_min_mtu(uint32_t *min, struct netlink_view *v, uint32_t ifindex);
/* Makes a netlink socket receive events of links, and of routes with a metric, such as an MTU, through this link. 0 or
 * -errno. */
must_check int routes_attach_filter(int fd, uint32_t ifindex);

#endif
