/* Finds changes made by hooks. */
#ifndef WG_QUICK_FIND_HOOK_CHANGES_H
#define WG_QUICK_FIND_HOOK_CHANGES_H

#include "diff_input.h"

/* At the end of `up`: notes every setting in which the tunnel differs from its file, so that plan_diff() finds nothing
 * afterwards. in->changes is null. 0 or -ENOMEM. */
must_check int find_hook_changes(struct string_list *noted, const struct diff_input *in);

#endif
