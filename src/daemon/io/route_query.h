/* Questions about single routes (rtnetlink(7)). */
#ifndef DAEMON_ROUTE_QUERY_H
#define DAEMON_ROUTE_QUERY_H

#include "netlink.h"
#include "proto/tunnel.h"

/* Asks the kernel through which interface datagrams from path->local, or without a source, to path->remote leave, with this
 * source port and mark, by a socket that is bound to interface `device` (0: to none). Opens the socket when it is first used.
 * Takes microseconds. 0; -EADDRNOTAVAIL: there is a route, but not from this source, which is no longer an address of this host,
 * or which rules exclude; other -errno: there is no route to path->remote, or it cannot be looked up. */
must_check int route_query_path(struct netlink_socket *s, const struct wg_path *path, uint16_t port, uint32_t mark,
				uint32_t device, uint32_t *ifindex);

/* Pure: the error says nothing about the route: there was no socket, or no answer. */
bool route_query_failed(int error);

/* The address that the kernel sends from to this one, in the current network namespace. 0 or -errno. */
must_check int route_query_source(struct ip_addr *source, const struct ip_addr *to);

/* Pure: what the look-up says about the source address of the path: the result of route_query_path, and the version of the
 * routing tables before it. Stores it in the path, unless the look-up failed: after an error, too, the path is looked up
 * again when routes change. False: the path must not keep the source.
 * A datagram may arrive through another interface than that by which the answer leaves, so the route is compared with
 * that of the previous look-up, and with the interface of arrival only when routes have changed since. */
must_check bool path_keeps_source(struct wg_path *path, uint32_t routes_version, int error, uint32_t ifindex);

#endif
