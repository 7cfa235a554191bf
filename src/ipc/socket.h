/* The socket transport: userspace daemons that serve the WireGuard configuration protocol at DIR/NAME.sock. `dir` may
 * be null: RUNSTATEDIR "/wireguard". */
#ifndef WG_IPC_SOCKET_H
#define WG_IPC_SOCKET_H

#include <sys/stat.h>

#include "names.h"

/* Appends the names of all sockets, except those of dead daemons, which refuse connections and are removed. 0 or -errno. */
must_check int socket_list(const char *dir, struct ipc_names *out);
/* The socket's file, or that which a symbolic link of root's leads to. 0, or -errno: -ENOENT if the device has no
 * socket. */
must_check int socket_stat(struct stat *out, const char *dir, const char *name);
/* A connection to the device's daemon, or -errno. -ENOENT: no daemon serves it; -ECONNREFUSED: the daemon has died, and
 * its socket was removed, or one is starting; -ETIMEDOUT: it does not accept connections. */
must_check int socket_open(const char *dir, const char *name);
/* The device has a socket, but a sandbox refuses Unix sockets to this process. */
must_check bool socket_is_refused(const char *dir, const char *name);
/* One request and its reply; both close fd. 0 or -errno. -ETIMEDOUT: the daemon was silent for 5 s, or 30 s after a set;
 * -EMSGSIZE: it reports more than a device can have. */
must_check int socket_get(int fd, struct wg_device *out);
must_check int socket_set(int fd, const struct wg_device *patch);

#endif
