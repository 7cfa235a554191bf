/* WireGuard devices of this machine: list them, read one, change one. Two transports behind one door:
 * the kernel (generic netlink family "wireguard", reference/protocol.md 15) and the UAPI sockets of
 * userspace daemons (/var/run/wireguard/NAME.sock). When rtnetlink knows the name as a wireguard link
 * in this network namespace, the kernel serves it; otherwise the socket does. */
#ifndef WG_IPC_H
#define WG_IPC_H

#include "model/model.h"

enum ipc_backend { IPC_KERNEL, IPC_SOCKET };

struct ipc_name {
	char name[WG_NAME_MAX];
	enum ipc_backend backend;
	uint32_t ifindex; /* 0 for sockets */
};

struct ipc_names {
	struct ipc_name *list; /* kernel links by index, then sockets as the folder has them */
	size_t n;
};

/* An open door: one netlink socket and family id, kept for many devices. Zeroed is closed; opened at
 * first use. */
struct ipc {
	const char *socket_dir; /* null: RUNSTATEDIR "/wireguard" */
	const char *asked_dir;  /* null: RUNSTATEDIR "/wgsuite" */
	struct ipc_kernel *kernel;
};
void ipc_close(struct ipc *c);

/* 0 or -errno (of the folder or of rtnetlink). No folder and no wireguard family are no error. */
must_check int ipc_list(struct ipc *c, struct ipc_names *out);
void ipc_names_free(struct ipc_names *names);

/* The device's state, public key included. -ENODEV: no such interface; -EOPNOTSUPP: not WireGuard;
 * -EPERM, -EPROTO, … *out is empty on error. */
must_check int ipc_get(struct ipc *c, struct wg_device *out, const char *name);

/* The same of one that ipc_list named: who serves it is known and not asked again. */
must_check int ipc_get_listed(struct ipc *c, struct wg_device *out, const struct ipc_name *name);

/* Applies a patch to the device patch->name. Errors as above, and what the backend refused. */
must_check int ipc_set(struct ipc *c, const struct wg_device *patch);

/* The peers whose endpoint ipc_set was last asked to set, with that endpoint, as far as it is known:
 * what a peer's present endpoint is compared with to see whether it roamed. With `of` only those that
 * it has too. 0 or -ENOMEM. */
must_check int ipc_asked(struct ipc *c, struct wg_device *out, const char *name,
			 const struct wg_device *of);
/* The device is gone: what was asked of it counts no more. */
void ipc_forget(struct ipc *c, const char *name);

/* Link scopes by if_nametoindex(3), for the pure rooms. */
extern const struct ip_scopes ipc_scopes;
/* UDP service names by getservbyname(3). */
bool ipc_service(uint16_t *port, struct span name);

#endif
