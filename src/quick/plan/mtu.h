/* The MTU of the tunnel, and whether IPv6 fits into it. */
#ifndef WG_QUICK_PLAN_MTU_H
#define WG_QUICK_PLAN_MTU_H

#include "host_state.h"

enum {
	MTU_OVERHEAD = 80,   /* of an encrypted packet in IPv6 and UDP */
	MTU_ETHERNET = 1500, /* where no path to an endpoint is known */
	MTU_MIN = 68,
	MTU_MIN_IPV6 = 1280, /* the kernel removes IPv6 from a link with less */
};

bool addresses_have_ipv6(const struct addresses *a); /* other than link-local ones */
bool device_has_ipv6(const struct wg_device *d);     /* in the allowed IPs of its peers */

/* The MTU of the tunnel file, else that of the path less the overhead, but at least MTU_MIN_IPV6 if the interface or a peer
 * has IPv6 addresses in the file. */
unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s);
/* The MTU that it would have without the minimum for IPv6. */
unsigned int plan_path_mtu(const struct host_state *s);

/* False: the interface cannot have IPv6 addresses and routes, because IPv6 is disabled or the MTU too small. */
bool tunnel_carries_ipv6(const struct tunnel_file *f, const struct host_state *s);

#endif
