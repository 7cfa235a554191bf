/* The names of the peers of a tunnel file, without the rest of it: fast for a file with many peers, and a file that has an
 * error elsewhere still has names. The forms of names are in conf_name.h. */
#ifndef WG_CONF_NAMES_H
#define WG_CONF_NAMES_H

#include "model.h"

/* Reads the public keys of the peers that have a name, their names, and the private key. Lines of other keys and invalid
 * lines are skipped. False: out of memory; *out is empty. */
must_check bool conf_read_names(struct wg_device *out, struct span text);

#endif
