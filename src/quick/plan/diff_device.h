/* The part of plan_diff() about the WireGuard configuration, and its rollback. */
#ifndef WG_QUICK_DIFF_DEVICE_H
#define WG_QUICK_DIFF_DEVICE_H

#include "diff_input.h"

/* Appends the step that configures the device, if anything differs. mark: the one to set, or 0 to leave it. 0 or
 * -ENOMEM. */
must_check int plan_device_change(struct plan *p, const struct diff_input *in, uint32_t mark);

/* The patch that takes a device from `now` to what it was before the step; how much of the step was performed
 * does not matter. Both states are modified. An endpoint that a peer did not have can be removed only with the
 * peer itself, so a peer that had no session is replaced; one with a session keeps the endpoint. 0 or -ENOMEM. */
must_check int device_rollback(struct wg_device *patch, struct wg_device *now, struct wg_device *before);

#endif
