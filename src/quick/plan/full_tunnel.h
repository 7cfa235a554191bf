/* Full tunnels: those that all traffic of an address family takes. */
#ifndef WG_QUICK_FULL_TUNNEL_H
#define WG_QUICK_FULL_TUNNEL_H

#include "host_state.h"

/* True when the allowed IPs cover all addresses of a family, as 0.0.0.0/0 or as two halves of it, and routes to them are
 * added to the tables that all packets use. What fails in such a tunnel leaves traffic unprotected. */
bool tunnel_is_full(const struct tunnel_file *f, const struct host_state *s);
/* True when it is full, and the name of an endpoint could not be resolved while no peer that has a part of the default route
 * has an endpoint: all traffic would be lost. */
bool full_tunnel_is_unreachable(const struct tunnel_file *f, const struct host_state *s);

#endif
