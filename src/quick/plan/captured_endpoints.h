/* Endpoints that the tunnel's own routes capture: the encrypted packets to them enter the tunnel again, so that no packet
 * reaches the peer. The tunnel's packets are safe where policy rules exempt them (default_route.h), where a route with a
 * longer prefix leads elsewhere, or where the host has other rules. Only the kernel knows all of that, so it decides. */
#ifndef WG_QUICK_CAPTURED_ENDPOINTS_H
#define WG_QUICK_CAPTURED_ENDPOINTS_H

#include "host_state.h"
#include "model/endpoint_inside.h"

struct captured_endpoint {
	uint32_t peer;           /* index */
	struct ip_prefix prefix; /* of the route */
	bool connected;          /* the route is that of an address of the interface, otherwise that of an allowed IP */
};

/* A zeroed struct is empty. */
struct captured_endpoints {
	const struct wg_device *device;
	const struct addresses *addresses; /* of the interface */
	struct endpoints_inside inside;    /* those that have routes */
	bool by_parts;                     /* addresses are excluded, or peers have Routes: routes are parts of allowed IPs */
	size_t next;                       /* the first entry of `inside` of the present peer, or of a later one */
	struct captured_endpoint *list;    /* owned */
	size_t n, cap;
};

/* `device` and `addresses` as they are now; both are borrowed. 0 or -ENOMEM. */
must_check int captured_endpoints_init(struct captured_endpoints *c, const struct tunnel_file *f,
				       const struct wg_device *device, const struct addresses *addresses);
void captured_endpoints_free(struct captured_endpoints *c);

/* To be called for the peers in their order. True: a route of the tunnel contains the endpoint of the peer. */
must_check bool captured_endpoints_may_have(struct captured_endpoints *c, uint32_t peer);
/* After that, if the kernel routes packets to the endpoint into the tunnel, by the route with this prefix. Routes that
 * hooks added do not count. 0 or -ENOMEM. */
must_check int captured_endpoints_add(struct captured_endpoints *c, uint32_t peer, const struct ip_prefix *route);

/* The allowed IPs that contain captured endpoints, each once: prefixes that can be replaced by others without the
 * endpoints. At most cap; returns their number. */
must_check size_t captured_endpoints_prefixes(struct ip_prefix out[], size_t cap, const struct captured_endpoints *c);
/* All addresses of the prefix but the captured endpoints, as by prefix_split(). */
must_check size_t captured_endpoints_split(struct ip_prefix out[], size_t cap, const struct captured_endpoints *c,
					   const struct ip_prefix *p);

#endif
