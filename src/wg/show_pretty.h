/* `wg show INTERFACE`: the format for people. */
#ifndef WG_SHOW_PRETTY_H
#define WG_SHOW_PRETTY_H

#include "program.h"

/* Prints the fields that are set. 0 or -ENOMEM. */
must_check int show_pretty(struct program *p, const struct wg_device *d);

#endif
