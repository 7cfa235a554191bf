/* The plan of `run`: a tunnel that is the only link, except the loopback one, of its network namespace. */
#ifndef WG_QUICK_PRIVATE_PLAN_H
#define WG_QUICK_PRIVATE_PLAN_H

#include "host_state.h"
#include "options.h"

/* Leaves out of the file what has no meaning there: Table (all routes are in the main table, default routes included: there are
 * no others), FwMark and ListenPort. */
void private_file_adapt(struct tunnel_file *f);

/* Appends the link, its addresses and routes. After private_file_adapt(); of the state, path_mtu and ipv6 are used. 0 or
 * -ENOMEM. */
must_check int plan_private(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			    const struct plan_options *o);

#endif
