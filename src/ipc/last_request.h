/* Endpoints as they were last configured, in one file per device. A device reports only where its peers are now; with this
 * file, syncconf can distinguish a peer that roamed from an endpoint that was edited. The file has the identity of its device,
 * so it does not apply to a later device of the same name. It is best effort: without the file nothing is known, and nothing
 * fails. `dir` may be null: RUNSTATEDIR "/wgsuite". */
#ifndef WG_IPC_LAST_REQUEST_H
#define WG_IPC_LAST_REQUEST_H

#include "identity.h"
#include "model/model.h"

/* Peers with the endpoint that was configured last; with `of` only peers that it has too. 0 or -ENOMEM. */
must_check int last_request_read(const char *dir, const struct identity *id, struct wg_device *out, const char *name,
				 const struct wg_device *of);

/* True if the patch is one to save. */
must_check bool last_request_changes(const struct wg_device *patch);
/* Adds the endpoints of a patch that was applied. True: the device had no file before. */
bool last_request_save(const char *dir, const struct identity *id, const struct wg_device *patch);

/* After the device was deleted. */
void last_request_remove(const char *dir, const char *name);

typedef enum existence last_request_exists(void *ctx, const char *name, const struct identity *id);
/* Removes the files of devices that are gone, and those of unknown namespaces that were not used for 30 days. */
void last_request_clean(const char *dir, last_request_exists *exists, void *ctx);

#endif
