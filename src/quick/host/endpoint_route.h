/* Routes of encrypted packets. */
#ifndef WG_QUICK_ENDPOINT_ROUTE_H
#define WG_QUICK_ENDPOINT_ROUTE_H

#include "path_mtu.h"

/* The entry of a routing table by which the kernel routes a packet. */
struct endpoint_route {
	uint32_t link; /* 0: the entry has none, or several */
	struct ip_prefix prefix;
};
/* 0 or -errno, which is the kernel's answer where no route leads to the endpoint. `number` must differ from that of the last
 * call. */
must_check int endpoint_route(struct endpoint_route *out, struct rtnetlink *rt, const struct path_lookup *l,
			      const struct ip_endpoint *to, uint32_t number);

/* True if a socket of this network namespace has the UDP port, or if that cannot be found out. */
must_check bool udp_port_is_taken(uint8_t family, uint16_t port);

#endif
