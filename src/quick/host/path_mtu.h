/* The MTU of the ways to the endpoints: what the kernel would do with the encrypted packets. */
#ifndef WG_QUICK_PATH_MTU_H
#define WG_QUICK_PATH_MTU_H

#include "rtnetlink.h"

struct path_lookup {
	const struct links *links;
	const struct rules *rules;
	uint32_t mark;    /* of the encrypted packets */
	uint16_t port;    /* their source port; 0: not known */
	uint32_t tunnel;  /* index of the tunnel's own link, or 0. A route over it gives the MTU that the link would be given
			   * with its present one: it was chosen when the way was another one */
};

/* The smallest MTU of all routes and next hops that the kernel may use to these endpoints; 0: there is no route. */
must_check int path_mtu(struct rtnetlink *rt, const struct path_lookup *l, const struct ip_endpoint *to, size_t n,
			unsigned int *out);
/* That of the IPv4 default route or, without one, of the IPv6 default route; 0: neither exists. */
must_check int path_mtu_default(struct rtnetlink *rt, const struct path_lookup *l, unsigned int *out);

#endif
