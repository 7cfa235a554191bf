/* Policy routing of a default route: the tunnel's own packets carry a mark and use the main table; all others
 * use a separate table, whose number is the mark. */
#ifndef WG_QUICK_DEFAULT_ROUTE_H
#define WG_QUICK_DEFAULT_ROUTE_H

#include "host_state.h"

/* How the default route of a family is set. */
enum default_mode {
	DEFAULT_NONE,    /* nothing: no peer has it as an allowed IP, "Table" is not "auto", or the host has no such traffic */
	DEFAULT_TUNNEL,  /* it leads into the tunnel */
	DEFAULT_BLOCKED, /* it is unreachable: the tunnel cannot have this family, whose packets must not take other routes */
};
enum default_mode default_route_mode(const struct tunnel_file *f, const struct host_state *s, uint8_t family);
/* The same. wanted: whether a peer has it as an allowed IP. */
enum default_mode default_route_mode_if(bool wanted, const struct tunnel_file *f, const struct host_state *s, uint8_t family);
/* True when any is not DEFAULT_NONE. */
bool default_routes_are_desired(const struct tunnel_file *f, const struct host_state *s);
/* True when the unreachable default route would keep the tunnel's own packets from an endpoint. */
bool default_route_blocks_endpoints(const struct tunnel_file *f, const struct host_state *s);

/* The mark of the tunnel's packets. *given: set by the tunnel file or a PreUp hook; else it is the number of
 * the free table. */
uint32_t tunnel_mark(const struct tunnel_file *f, const struct host_state *s, bool *given);
/* True when host_state.free_table is needed. */
bool default_routes_need_table(const struct tunnel_file *f, const struct host_state *s);
/* The mark with which routes to the endpoints are looked up. */
uint32_t endpoint_lookup_mark(const struct tunnel_file *f, const struct host_state *s);

/* For a reload: the interface has a default route of this family in the table of its mark. */
bool default_route_exists(const struct host_state *s, uint8_t family);

/* Both append the steps that add default routes, except the parts that exist. 0 or -ENOMEM. */
/* Of one, with these policy rules. The mode is not DEFAULT_NONE. */
must_check int plan_policy_routing(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
				   const struct ip_prefix *prefix, enum default_mode mode, uint32_t mark,
				   const struct rules *rules);
/* Of all that are desired. */
must_check int plan_default_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s);

#endif
