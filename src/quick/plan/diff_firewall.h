/* The part of plan_diff() about firewall rules. */
#ifndef WG_QUICK_DIFF_FIREWALL_H
#define WG_QUICK_DIFF_FIREWALL_H

#include "diff_routes.h"

/* Appends the steps that set the rules of the families whose rules are not as they should be, because the tunnel file
 * changed or because other programs removed some of them; hooks may. mark: the one to be set, or 0. 0 or -ENOMEM. */
must_check int plan_firewall_change(struct plan *p, const struct diff_input *in, const struct route_diff *routes,
				    uint32_t mark);

#endif
