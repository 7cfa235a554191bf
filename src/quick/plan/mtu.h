/* The MTU of the tunnel, and whether IPv6 fits into it. */
#ifndef WG_QUICK_PLAN_MTU_H
#define WG_QUICK_PLAN_MTU_H

#include "host_state.h"

enum {
	MTU_OVERHEAD = 80,   /* of an encrypted packet in IPv6 and UDP */
	MTU_ETHERNET = 1500, /* where no way to an endpoint is known */
	MTU_MIN = 68,
	MTU_MIN_IPV6 = 1280, /* the kernel removes IPv6 from a link with less */
};

bool addresses_have_ipv6(const struct addresses *a); /* other than link-local ones */
bool device_has_ipv6(const struct wg_device *d);     /* in the allowed IPs of its peers */

/* That of the tunnel file, else that of the path less the overhead, but enough for IPv6 where the interface or a peer is
 * to have it. */
unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s);
/* The MTU that it would have if IPv6 needed none. */
unsigned int plan_path_mtu(const struct host_state *s);

/* False: the interface cannot have IPv6 addresses and routes, because IPv6 is disabled or the MTU too small. */
bool tunnel_carries_ipv6(const struct tunnel_file *f, const struct host_state *s);

#endif
