/* Steps that bind the outer sockets. */
#ifndef WG_QUICK_BINDING_H
#define WG_QUICK_BINDING_H

#include "step.h"

/* Adds the step from what they are bound to now to what the file has. 0 or -ENOMEM. */
must_check int plan_binding(struct plan *p, const struct tunnel_file *f, const struct wg_binding *before);

#endif
