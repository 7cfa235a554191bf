/* The plan that undoes a reload which failed. */
#ifndef WG_QUICK_UNDO_DIFF_H
#define WG_QUICK_UNDO_DIFF_H

#include "applied.h"
#include "host_state.h"

/* Undoes the steps of plan_diff() that are marked done: afterwards the host is as in `before`, the input of plan_diff(). applied:
 * likewise, or null. If the WireGuard configuration was changed, p->device_rollback must have been filled with device_rollback()
 * (diff_device.h). 0 or -ENOMEM. */
must_check int plan_undo_diff(struct plan *out, const struct plan *p, const struct applied *applied, const struct host_state *before);

#endif
