/* `wg show INTERFACE`: the format for people. */
#ifndef WG_SHOW_PRETTY_H
#define WG_SHOW_PRETTY_H

#include "program.h"
#include "report/names.h"

/* Prints the fields that are set, and the names of peers. 0 or -ENOMEM. */
must_check int show_pretty(struct program *p, const struct wg_device *d, const struct peer_names *names);

#endif
