/* Throw routes in the routing table of a default route: for the addresses that ExcludeIPs names, the look-up continues with the
 * rules after that of the tunnel, as if the tunnel were down. One route for each prefix suffices, whereas the default route
 * without these prefixes would be hundreds of routes, each with an unreachable one. */
#ifndef WG_QUICK_THROW_ROUTES_H
#define WG_QUICK_THROW_ROUTES_H

#include "applied.h"
#include "host_state.h"

/* Appends the steps that add those of a family to the table; same_table: host_state.throws are its routes. 0 or -ENOMEM. */
must_check int plan_throw_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s, uint8_t family,
				 uint32_t table, bool same_table);
/* The table of the interface's mark has all that the file wants in a family, and none that is only in the journal (null: none
 * is known). */
bool throw_routes_are_complete(const struct tunnel_file *f, const struct host_state *s, const struct applied *applied,
			       uint8_t family);
/* A throw route that the file does not want, and that exists. */
bool throw_route_is_outdated(const struct step_route *r, const struct tunnel_file *f, const struct host_state *s);
bool throw_route_exists(const struct step_route *r, const struct host_state *s);

#endif
