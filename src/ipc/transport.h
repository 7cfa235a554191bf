/* The two transports behind ipc.h: the kernel's netlink family and the daemons' sockets. */
#ifndef WG_TRANSPORT_H
#define WG_TRANSPORT_H

#include "ipc.h"

/* ---- genl.c: the caller knows, or wants to be told, that the kernel serves this name ---- */

must_check int kernel_list(struct ipc *c, struct ipc_names *out);
/* True when rtnetlink knows the name as a wireguard link of this namespace. */
must_check bool kernel_has(struct ipc *c, const char *name);
must_check int kernel_get(struct ipc *c, struct wg_device *out, const char *name);
must_check int kernel_set(struct ipc *c, const struct wg_device *patch);
void kernel_close(struct ipc *c);

/* ---- sock.c ---- */

/* Adds the names of sockets that answer; a socket that nobody listens on is removed. */
must_check int socket_list(const char *dir, struct ipc_names *out);
/* A connection to the device's daemon, -ENOENT: there is none, or another -errno. */
must_check int socket_open(const char *dir, const char *name);
/* Both close fd. */
must_check int socket_get(int fd, struct wg_device *out);
must_check int socket_set(int fd, const struct wg_device *patch);

/* ---- asked.c ---- */

/* Writes down what a patch that was applied said about endpoints. */
void asked_note(struct ipc *c, const struct wg_device *patch);

#endif
