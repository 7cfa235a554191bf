/* The remains of tunnels that are no longer up and have no journal, for example after the end of a container whose network
 * namespace still exists. Their policy rules have the protocol of wg-quick or select a table with its unreachable route, and no
 * journal, no WireGuard interface and no default route belongs to their mark. */
#ifndef WG_QUICK_STALE_H
#define WG_QUICK_STALE_H

#include "host_state.h"

/* Appends the removal of rules, throw routes and unreachable routes, as far as `tables` has the tables. Rules that other tunnels need stay. 0
 * or -ENOMEM. */
must_check int plan_stale(struct plan *p, const struct host_state *s, const struct table_uses *tables,
			  const struct tunnels_in_use *used);

#endif
