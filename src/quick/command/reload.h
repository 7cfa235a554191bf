/* Around the steps of a reload: the record before and after them, and the way back. */
#ifndef WG_QUICK_RELOAD_H
#define WG_QUICK_RELOAD_H

#include "quick.h"

/* Before steps: the record names what is there and what may come to be, with these name servers. */
must_check int reload_note(struct quick *q, const struct dns_config *dns);
/* After the last one: what is there now. */
must_check int reload_keep(struct quick *q, const struct plan *p);
/* A step failed: takes back what was done of q->plan, and of `old` before it, newest first. Only an
 * endpoint that a peer did not have stays: WireGuard has no word for taking one away. */
void reload_undo(struct quick *q, struct plan *old);

#endif
