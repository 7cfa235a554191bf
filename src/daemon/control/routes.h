/* Routing tables: events about routes and rules, on which remembered source addresses depend, and queries. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "proto/tunnel.h"

/* A netlink socket that receives events of routes and rules, or -errno. */
must_check int routes_subscribe(void);
/* Reads all events from it. True: a route or rule changed that may affect the paths of peers. Routes through
 * the link own_ifindex (0: none) do not count, nor do local and multicast routes of the kernel. */
bool routes_read_events(int fd, uint32_t own_ifindex);
/* Pure: the same for one buffer of messages. */
bool routes_affect_paths(const void *messages, size_t n, uint32_t own_ifindex);

/* Asks the kernel whether packets with this source and mark still leave through the interface of the path. True
 * for IPv6, where sources do not depend on interfaces. */
bool routes_confirm_path(const struct wg_path *path, uint32_t mark);

/* The least MTU metric of the routes through the link; 0: no route has one. */
uint32_t routes_min_mtu(uint32_t ifindex);
/* Makes a netlink socket receive events of links, and of those routes that have a metric, such as an MTU. 0 or
 * -errno. */
must_check int routes_attach_filter(int fd);

#endif
