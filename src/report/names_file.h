/* Finding and reading the tunnel file that has the names of a device's peers. Private to src/report. */
#ifndef WG_REPORT_NAMES_FILE_H
#define WG_REPORT_NAMES_FILE_H

#include "names.h"

/* Fills file, path and error, but not the index. */
void names_read_file(struct peer_names *out, const struct wg_device *d, const struct names_folders *folders);

#endif
