/* Rewrites a patch for backends that cannot remove single allowed IPs: such peers get their complete list instead. */
#ifndef WG_IPC_FULL_LISTS_H
#define WG_IPC_FULL_LISTS_H

#include "model/model.h"

/* True if the patch removes a single allowed IP of a peer. */
bool full_lists_are_needed(const struct wg_device *patch);
/* Needs the device's current state, and changes it. False: out of memory. */
must_check bool full_lists_write(struct wg_device *patch, struct wg_device *state);

#endif
