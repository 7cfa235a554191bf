/* News of the routing tables of our own namespace: what a remembered source address depends on. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "../base/base.h"

/* A netlink socket that hears of routes and rules, or -errno. */
must_check int routes_open(void);
/* Reads all news; true: a route or rule changed that may lead packets to a peer another way. Routes
 * through the link `own` (0: none) and the kernel's own local and multicast ones do not count. */
bool routes_read(int fd, uint32_t own);
/* Pure: the same about one buffer of messages. */
bool routes_matter(const void *messages, size_t n, uint32_t own);

#endif
