/* The prefixes for which a tunnel file requests routes: those of Routes of a peer, or else its allowed IPs; before any address
 * is excluded. */
#ifndef WG_QUICK_ROUTE_PREFIXES_H
#define WG_QUICK_ROUTE_PREFIXES_H

#include "host_state.h"

/* The keys of a peer of f->device have Routes. */
bool peer_has_routes_key(const struct tunnel_file *f, uint32_t peer);
bool file_has_routes_key(const struct tunnel_file *f); /* any peer */
/* Of a peer of f->device: how many, and the one at i; null: no route is wanted for it. */
size_t peer_route_prefixes(const struct tunnel_file *f, uint32_t peer);
const struct ip_prefix *peer_route_prefix(const struct tunnel_file *f, uint32_t peer, size_t i);

/* Allowed IPs of a device that are not those of the file (a hook's, or those of now) have routes, unless the file has Routes for
 * the peer. A zeroed struct is empty. */
struct routes_keys {
	const struct tunnel_file *file;
	struct peer_index index;
	bool any;
};
must_check int routes_keys_init(struct routes_keys *k, const struct tunnel_file *f); /* 0 or -ENOMEM */
void routes_keys_free(struct routes_keys *k);
bool routes_keys_have(const struct routes_keys *k, const struct wg_public *key);

/* Which parts of all addresses of a family have routes, the default route or its halves: for a peer of the file, for the allowed
 * IPs of a peer, and for all of the file and of the interface. */
enum { ROUTES_ALL = 1, ROUTES_LOWER_HALF = 2, ROUTES_UPPER_HALF = 4 };
unsigned int peer_default_parts(const struct tunnel_file *f, uint32_t peer, uint8_t family);
unsigned int allowedips_default_parts(const struct wg_peer *p, uint8_t family);
unsigned int default_parts(const struct tunnel_file *f, const struct host_state *s, uint8_t family);

#endif
