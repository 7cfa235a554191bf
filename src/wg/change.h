/* The last steps of `wg set`, setconf, addconf and syncconf: resolving host names, and sending the patch. */
#ifndef WG_CHANGE_H
#define WG_CHANGE_H

#include "base/diag.h"
#include "model/model.h"
#include "program.h"

/* Both report errors. The first resolves host names of endpoints, the second applies the patch to the device. */
must_check bool change_resolve(struct wg_device *patch, const char *file, struct diag *d);
must_check bool change_send(struct program *p, const char *name, struct wg_device *patch);

#endif
