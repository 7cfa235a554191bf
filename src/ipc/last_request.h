/* Endpoints as they were last configured, in one file per device and network namespace. A device reports only where
 * its peers are now; with this file syncconf can tell a peer that roamed from an endpoint that was edited. It is best
 * effort: without the file nothing is known, and nothing fails. `dir` may be null: RUNSTATEDIR "/wgsuite". */
#ifndef WG_IPC_LAST_REQUEST_H
#define WG_IPC_LAST_REQUEST_H

#include "model/model.h"

/* Peers with the endpoint that was configured last; with `of` only peers that it has too. 0 or -ENOMEM. */
must_check int last_request_read(const char *dir, struct wg_device *out, const char *name, const struct wg_device *of);
/* Adds the endpoints of a patch that was applied. */
void last_request_save(const char *dir, const struct wg_device *patch);
void last_request_remove(const char *dir, const char *name);

#endif
