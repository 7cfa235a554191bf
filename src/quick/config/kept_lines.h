/* The lines of a tunnel file that describe the tunnel and that the host cannot be asked for: those of [Interface] with keys
 * of wg-quick(8), and of each peer that has a key other than those of wg(8). They contain no key of WireGuard that is
 * secret. The journal has them, so that a change can be rolled back when the file has been edited. */
#ifndef WG_QUICK_KEPT_LINES_H
#define WG_QUICK_KEPT_LINES_H

#include "base/vector.h"

/* Appends them, section lines included, for a text that conf_read() accepts. False: out of memory. */
must_check bool kept_lines(struct string_list *out, struct span text);

#endif
