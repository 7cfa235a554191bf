/* Messages about devices that cannot be read or changed: upstream's line, the kernel's own text, and the remedy. */
#ifndef WG_ACCESS_H
#define WG_ACCESS_H

#include "ipc/ipc.h"

/* "Unable to access interface: …"; error: -errno of ipc_get. */
void report_no_access(const struct ipc *c, const char *name, int error);
/* "Unable to access interface NAME: …", for commands about several. */
void report_no_access_to(const struct ipc *c, const char *name, int error);
/* "Unable to modify interface: …"; error: -errno of ipc_set with this patch. */
void report_not_modified(const struct ipc *c, const struct wg_device *patch, int error);

/* The kernel's text and the remedy, which follow these lines. */
void report_reasons(const struct ipc *c, int error);

#endif
