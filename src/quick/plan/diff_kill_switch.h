/* The part of plan_diff() about the kill switch. */
#ifndef WG_QUICK_DIFF_KILL_SWITCH_H
#define WG_QUICK_DIFF_KILL_SWITCH_H

#include "diff_input.h"

/* The first step: a kill switch that the file wants and that is not in force as it is. mark: of the tunnel's packets. */
must_check int diff_kill_switch_begin(struct plan *p, const struct diff_input *in, uint32_t mark);
/* The last step: a kill switch that the file does not want any more is turned off, or lets the previous mark pass no more. */
must_check int diff_kill_switch_end(struct plan *p, const struct diff_input *in);
/* In a plan that undoes a reload: the kill switch is that of the journal again, not none. */
void diff_kill_switch_restore(struct plan *undo, const struct plan *applied);

#endif
