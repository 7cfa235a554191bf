/* How a device is printed: for people, and field by field for scripts. */
#ifndef WG_SHOW_H
#define WG_SHOW_H

#include "program.h"

/* The format of `wg show NAME` (wg-behaviour.md A3.1): what is not set is not printed. */
must_check int pretty_print(struct program *p, const struct wg_device *d); /* 0 or -ENOMEM */

/* One field's lines, tab separated (A3.5), each after the device's name when with_name.
 * False: there is no such field. */
must_check bool record_print(struct program *p, const struct wg_device *d, const char *field,
			    bool with_name);

#endif
