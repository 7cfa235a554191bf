/* News of the routing tables of our own namespace: what a remembered source address depends on. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "proto/tunnel.h"

/* A netlink socket that hears of routes and rules, or -errno. */
must_check int routes_open(void);
/* Reads all news; true: a route or rule changed that may lead packets to a peer another way. Routes
 * through the link `own` (0: none) and the kernel's own local and multicast ones do not count. */
bool routes_read(int fd, uint32_t own);
/* False: packets no longer go this IPv4 way; from its source, with this mark, they would leave through
 * another interface, or not at all. IPv6 sources do not depend on interfaces. */
bool routes_allow(const struct wg_path *path, uint32_t mark);
/* The least MTU that a route through the link has been given; 0: none has. */
uint32_t routes_least_mtu(uint32_t ifindex);
/* A filter for a netlink socket that hears of links and routes: of the routes only those with a metric,
 * such as an MTU. 0 or -errno. */
must_check int routes_filter(int fd);
/* Pure: the same about one buffer of messages. */
bool routes_matter(const void *messages, size_t n, uint32_t own);

#endif
