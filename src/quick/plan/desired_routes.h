/* The routes that a tunnel file asks for: one for each allowed IP of its peers, or for each of
 * their Routes, or for the parts of it that are not excluded. */
#ifndef WG_QUICK_DESIRED_ROUTES_H
#define WG_QUICK_DESIRED_ROUTES_H

#include "host_state.h"

struct desired_route {
	struct ip_prefix prefix;
	char text[IP_PREFIX_TEXT_MAX];
};

/* Without duplicates, longest prefix first, which is the order in which they are added. */
struct desired_routes {
	struct desired_route *list; /* owned */
	size_t n, cap;
};
/* Those of the file, and of the allowed IPs of `also`, which may be null. 0 or -ENOMEM. */
must_check int desired_routes_init(struct desired_routes *out, const struct tunnel_file *f, const struct wg_device *also);
void desired_routes_free(struct desired_routes *r);
bool desired_routes_have(const struct desired_routes *r, const struct ip_prefix *p);

/* The metric of the route that the kernel adds for an address. With an IPv6 address, it removes the route to this network that
 * has the lowest metric, even if that is another one. */
uint32_t route_metric_of_address(uint8_t family);
/* True when it is the route of the address, which the kernel adds and removes itself. */
bool route_is_of_address(const struct ip_prefix *p, const struct interface_address *a);
/* The same for one of these addresses. */
bool route_is_connected(const struct addresses *a, const struct ip_prefix *p);
/* True when a route that the kernel adds for one of these addresses covers the prefix. */
bool addresses_cover_route(const struct addresses *a, const struct ip_prefix *p);
/* Likewise, for an address of the file or of the interface. */
bool route_is_covered(const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *p);
/* Appends the route, unless it is covered. Not for a default route of "Table = auto". 0 or -ENOMEM. */
must_check int plan_allowedip_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
				    const struct ip_prefix *prefix);

#endif
