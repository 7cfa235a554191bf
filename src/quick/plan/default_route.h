/* Policy routing of a default route: the tunnel's own packets carry a mark and use the main table; all others
 * use a separate table, whose number is the mark. */
#ifndef WG_QUICK_DEFAULT_ROUTE_H
#define WG_QUICK_DEFAULT_ROUTE_H

#include "host_state.h"

/* True when the tunnel gets policy routing, of this family or of any: an allowed IP with prefix length 0 and
 * "Table = auto". */
bool default_route_is_desired(const struct tunnel_file *f, const struct host_state *s, uint8_t family);
bool default_routes_are_desired(const struct tunnel_file *f, const struct host_state *s);

/* The mark of the tunnel's packets. *given: set by the tunnel file or a PreUp hook; else it is the number of
 * the free table. */
uint32_t tunnel_mark(const struct tunnel_file *f, const struct host_state *s, bool *given);
/* True when host_state.free_table is needed. */
bool default_routes_need_table(const struct tunnel_file *f, const struct host_state *s);
/* The mark with which routes to the endpoints are looked up. */
uint32_t endpoint_lookup_mark(const struct tunnel_file *f, const struct host_state *s);

/* For a reload: the interface has a default route of this family in the table of its mark. */
bool default_route_exists(const struct host_state *s, uint8_t family);

/* Appends the steps of one default route with these policy rules, or of all that are desired, less the parts that exist.
 * 0 or -ENOMEM. */
must_check int plan_default_route(struct plan *p, const struct host_state *s, const struct ip_prefix *prefix,
				  uint32_t mark, const struct rules *rules);
must_check int plan_default_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s);

#endif
