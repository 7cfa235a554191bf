/* The binding of the outer sockets of an interface, by requests that only wireguardd(8) supports. */
#ifndef WG_IPC_BINDING_H
#define WG_IPC_BINDING_H

#include "ipc.h"
#include "model/binding.h"

/* 0; -EOPNOTSUPP: the interface is not one of wireguardd; -ENODEV: its device does not exist; -EADDRNOTAVAIL: an address is not
 * one of the host; or another -errno. */
must_check int ipc_set_binding(struct ipc *c, const char *name, const struct wg_binding *b);
must_check int ipc_get_binding(struct ipc *c, const char *name, struct wg_binding *b);
/* The same over a connected socket, which stays open. */
must_check int ipc_set_binding_connected(int fd, const struct wg_binding *b);

#endif
