/* Steps that bind the outer sockets. */
#ifndef WG_QUICK_BINDING_H
#define WG_QUICK_BINDING_H

#include "diff_input.h"

/* Adds the step from what they are bound to now to what the file has. 0 or -ENOMEM. */
must_check int plan_binding(struct plan *p, const struct tunnel_file *f, const struct wg_binding *before);
/* For a reload, if it is known and differs. 0 or -ENOMEM. */
must_check int diff_binding(struct plan *p, const struct diff_input *in);
/* The shell command, with its newline. */
void binding_print_step(struct text *t, const struct plan *p, const struct step *s);

#endif
