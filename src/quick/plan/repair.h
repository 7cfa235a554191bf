/* Repairs: the part of a reload that restores settings that `up` or `reload` applied and another program removed. Edits of the
 * tunnel file that were not yet applied, and manual changes of the device, are left alone. */
#ifndef WG_QUICK_REPAIR_H
#define WG_QUICK_REPAIR_H

#include "applied.h"
#include "host_state.h"

/* Turns the tunnel file into what was applied: its addresses, name servers and table are those of the journal, and its peers have
 * the endpoints and allowed IPs of the device. edited: the file was changed since; otherwise only allowed IPs that it has
 * count. 0 or -ENOMEM. */
must_check int repair_desired(struct tunnel_file *f, const struct host_state *s, const struct applied *a, bool edited);

/* Drops the steps of plan_diff() that are no repairs. While the link is down, only what
 * keeps traffic out of other routes is restored. */
void repair_select(struct plan *p, const struct applied *a, bool link_is_up);

/* Identifies what a step restores. */
uint64_t repair_id(const struct plan *p, const struct step *s);

/* True when the journal has every step of the plan already. */
bool repair_is_journaled(const struct plan *p, const struct applied *a);

#endif
