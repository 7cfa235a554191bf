/* Plans that undo another plan. */
#ifndef WG_QUICK_INVERSE_H
#define WG_QUICK_INVERSE_H

#include "host_state.h"

/* Appends the inverses of the steps that are marked done, or of all steps, newest first. 0 or -ENOMEM. */
must_check int plan_undo(struct plan *out, const struct plan *done, bool all);

/* Leaves those steps of `done` whose inverses failed in `undo`. 0 or -ENOMEM. */
must_check int plan_keep_failed(struct plan *done, const struct plan *undo);

/* Drops the removal of rules that do not exist, and of those that another tunnel needs by now. */
void plan_drop_absent_rules(struct plan *undo, const struct host_state *s);
/* Appends the removal of the rules of this plan's tunnel that the plan does not have, as after an administrator
 * added them again with other preferences. 0 or -ENOMEM. */
must_check int plan_undo_other_rules(struct plan *undo, const struct plan *done, const struct host_state *s);

/* True when several rules match the command that deletes this one without its preference. */
bool rule_is_ambiguous(const struct host_state *s, const struct step_rule *rule);

#endif
