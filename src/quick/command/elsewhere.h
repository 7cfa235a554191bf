/* Tunnels of this network namespace whose interfaces are in another one. */
#ifndef WG_QUICK_ELSEWHERE_H
#define WG_QUICK_ELSEWHERE_H

#include "ipc/ipc.h"
#include "quick/config/tunnel_file.h"

/* True if the interface of the tunnel with this name, which is not in this namespace, was moved to another one. It is
 * recognised by the key in the file that the journal names. host: struct host. */
bool tunnel_is_elsewhere(void *host, const char *name);

/* Deletes the interface of this file's tunnel, and appends the commands to trace. Result as of moved_link_delete(). */
must_check int tunnel_delete_elsewhere(struct ipc *ipc, const struct tunnel_file *f, struct text *trace);

#endif
