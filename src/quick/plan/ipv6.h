/* The parts of a tunnel that are skipped where IPv6 is missing, completely or partly, and the warnings about them. */
#ifndef WG_QUICK_PLAN_IPV6_H
#define WG_QUICK_PLAN_IPV6_H

#include "applied.h"
#include "host_state.h"
#include "options.h"

/* False: the IPv6 routes of the tunnel file are left out. Not for default routes, see default_route_mode(). */
bool ipv6_routes_are_possible(const struct tunnel_file *f, const struct host_state *s);

/* Warns of what is left out, and of packets that will be fragmented. */
void ipv6_warn(const struct tunnel_file *f, const struct host_state *s, const struct plan_options *o);
/* The same for a reload, but only if something changed: if the plan removes something of IPv6 from the interface, or the
 * tunnel file has IPv6 that it did not have at the last `up` or `reload`. applied: null without a journal. */
void ipv6_warn_if_changed(const struct tunnel_file *f, const struct host_state *s, const struct applied *applied,
			  const struct plan *p, const struct plan_options *o);

#endif
