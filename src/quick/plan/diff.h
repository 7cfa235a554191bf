/* The plan of `reload` and `diff`: the difference between the desired state (the tunnel file) and the actual one
 * (the host). What neither the file nor the journal names is left alone, except that without a journal
 * every address that the file does not name is removed. */
#ifndef WG_QUICK_DIFF_H
#define WG_QUICK_DIFF_H

#include "diff_input.h"

/* Fills *p with the steps, and *old_dns with the removal of the name servers that are replaced: it is performed
 * before *p. Both must be empty on entry, and stay empty where nothing differs. 0 or -ENOMEM. */
must_check int plan_diff(struct plan *p, struct plan *old_dns, const struct diff_input *in);

#endif
