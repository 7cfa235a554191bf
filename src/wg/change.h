/* What `wg set` and the configuration files have in common: resolve, send. */
#ifndef WG_CHANGE_H
#define WG_CHANGE_H

#include "base/diag.h"
#include "model/model.h"
#include "program.h"

/* Both complain themselves. Names to addresses: */
must_check bool change_resolve(struct wg_device *patch, const char *file, struct diag *d);
/* and the patch to the device of this name. */
must_check bool change_send(struct program *p, const char *name, struct wg_device *patch);

#endif
