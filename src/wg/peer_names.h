/* Names of peers for the subcommands of wg(8). */
#ifndef WG_PEER_NAMES_H
#define WG_PEER_NAMES_H

#include "program.h"
#include "report/names.h"

/* Names of the device's peers. With elevated privileges wg reads no files that its user may not read, and finds no names. */
void peer_names_read(struct peer_names *out, const struct wg_device *d);
/* Whether the format for people has names. */
bool peer_names_are_shown(const struct program *p);

#endif
