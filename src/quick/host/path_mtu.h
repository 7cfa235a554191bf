/* The MTU of the paths to the endpoints, as the kernel would route the encrypted packets. */
#ifndef WG_QUICK_PATH_MTU_H
#define WG_QUICK_PATH_MTU_H

#include "rtnetlink.h"

struct path_lookup {
	const struct links *links;
	const struct rules *rules;
	uint32_t mark;    /* of the encrypted packets */
	uint16_t port;    /* their source port; 0: not known */
	uint32_t device;  /* index of the link that they leave through; 0: any */
	uint32_t tunnel;  /* index of the tunnel's own link, or 0. A route over it counts with the path MTU that the present MTU
			   * of the link was derived from */
};

/* A request for the route of an encrypted packet; `entry`: for the entry of the table, with its prefix and all next hops.
 * Null: out of memory. */
struct nl_msg *path_lookup_message(const struct path_lookup *l, const struct ip_endpoint *to, bool entry);
/* *out: the smallest MTU, in bytes, of all routes and next hops that the kernel may use to the n endpoints at `to`; 0: there
 * is no route. Returns 0 or -errno. */
must_check int path_mtu(struct rtnetlink *rt, const struct path_lookup *l, const struct ip_endpoint *to, size_t n,
			unsigned int *out);
/* *out: that of the IPv4 default route or, without one, of the IPv6 default route; 0: neither exists. Returns 0 or -errno. */
must_check int path_mtu_default(struct rtnetlink *rt, const struct path_lookup *l, unsigned int *out);

#endif
