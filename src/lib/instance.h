/* An instance of the library, and conversions between its types and those of proto. Private to the library. */
#ifndef WG_LIB_INSTANCE_H
#define WG_LIB_INSTANCE_H

#include "guard.h"
#include "proto/tunnel.h"

struct wgproto {
	struct wg_tunnel *tunnel;
	struct guard *guard; /* own_guard, also of a constant instance */
	struct guard own_guard;
};

/* Null: no instance. */
static inline struct guard *guard_of(const struct wgproto *w)
{
	return w ? w->guard : NULL;
}

bool addr_is_valid(const struct wgproto_addr *a); /* also none */
bool path_is_valid(const struct wgproto_path *p);
struct ip_addr addr_in(const struct wgproto_addr *a); /* of a valid one */
struct wgproto_addr addr_out(const struct ip_addr *a);
struct ip_endpoint endpoint_in(const struct wgproto_endpoint *e);
struct wgproto_endpoint endpoint_out(const struct ip_endpoint *e);
void path_in(struct wg_path *out, const struct wgproto_path *p);
void path_out(struct wgproto_path *out, const struct wg_path *p);
/* False: null, an unknown family, or too many bits. */
must_check bool prefix_in(struct ip_prefix *out, const struct wgproto_prefix *p);

#endif
