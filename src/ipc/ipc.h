/* WireGuard interfaces of this host: list them, read one, change one. Two transports: the kernel (generic netlink
 * family "wireguard") and the configuration sockets of userspace daemons (/var/run/wireguard/NAME.sock). The kernel
 * serves a name that is a link of kind wireguard in this network namespace; the socket serves any other name. */
#ifndef WG_IPC_H
#define WG_IPC_H

#include "lookup.h"
#include "model/model.h"
#include "names.h"

/* A client, which keeps its netlink sockets for many devices. Zero-initialised means closed; sockets are
 * opened lazily. */
struct ipc {
	const char *socket_dir;       /* null: RUNSTATEDIR "/wireguard" */
	const char *last_request_dir; /* null: RUNSTATEDIR "/wgsuite" */
	struct ipc_kernel *kernel;
};
void ipc_close(struct ipc *c);

/* All devices: kernel links by interface index, then sockets in directory order. 0 or -errno of rtnetlink or of the
 * socket directory. A missing directory or a kernel without WireGuard is no error. Files in last_request_dir of devices
 * that are gone are removed. */
must_check int ipc_list(struct ipc *c, struct ipc_names *out);

/* The device's state, including the public key. -ENODEV: no such interface; -EOPNOTSUPP: not WireGuard;
 * -ECONNREFUSED: its daemon has died; -ETIMEDOUT: its daemon does not respond; -EMSGSIZE: it reports more than a device
 * can have; -ENAMETOOLONG; -EPERM, -EPROTO, … *out is empty on error. */
must_check int ipc_get(struct ipc *c, struct wg_device *out, const char *name);

/* The same for a name from ipc_list, whose backend is known. */
must_check int ipc_get_listed(struct ipc *c, struct wg_device *out, const struct ipc_name *name);

/* An error of these two means that there is no WireGuard interface of this name. A kernel without WireGuard says
 * -EPROTONOSUPPORT, also of one that has disappeared since it was listed. */
bool ipc_error_is_no_device(int error);

/* Applies a patch to the device patch->name. For a backend that cannot remove single allowed IPs it reads the device and
 * writes complete lists, which is not atomic. On success it saves the endpoints in last_request_dir. Errors as above, or
 * the backend's. */
must_check int ipc_set(struct ipc *c, const struct wg_device *patch);

/* The same over a connected stream socket to a userspace daemon, which it closes. */
must_check int ipc_set_connected(int take_fd, const struct wg_device *patch);

/* A connection to the daemon that serves an interface; -EOPNOTSUPP: the kernel does, or nobody; or another -errno. */
must_check int ipc_connect(struct ipc *c, const char *name);

/* The kernel's own text about the error of the last ipc_get or ipc_set, until the next one; or null. */
const char *ipc_extack(const struct ipc *c);

/* The last endpoint that ipc_set configured for each peer of this device, as far as it is known. It differs from the current one if
 * the peer roamed. With `of` only peers that it has too. 0 or -ENOMEM. */
must_check int ipc_last_request(struct ipc *c, struct wg_device *out, const char *name, const struct wg_device *of);
/* To be called after the device was deleted. */
void ipc_drop_last_request(struct ipc *c, const char *name);

/* A daemon serves this device, but a sandbox refuses Unix sockets to this process. */
must_check bool ipc_socket_is_refused(const struct ipc *c, const char *name);

/* Removes the socket files that a daemon has left which died: of its configuration and of its statistics (wireguardd(8)). Not
 * while a daemon starts. socket_dir may be null. */
void ipc_remove_dead_daemon(const char *socket_dir, const char *name);

#endif
