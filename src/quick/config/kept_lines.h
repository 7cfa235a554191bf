/* The lines of a tunnel file that describe the tunnel and cannot be derived from the host: those of [Interface] with keys
 * of wg-quick(8), and those of each peer with a key other than those of wg(8). They contain no private or preshared key.
 * The journal has them, so that a change can be rolled back after the file has been edited. */
#ifndef WG_QUICK_KEPT_LINES_H
#define WG_QUICK_KEPT_LINES_H

#include "base/vector.h"

/* Appends them, section lines included, for a text that conf_read() accepts. False: out of memory. */
must_check bool kept_lines(struct string_list *out, struct span text);

#endif
