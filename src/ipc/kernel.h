/* The kernel transport: WireGuard devices over the generic netlink family "wireguard", and rtnetlink to find them. */
#ifndef WG_IPC_KERNEL_H
#define WG_IPC_KERNEL_H

#include "names.h"
#include "netlink.h"

/* Sockets and the id of the family, kept for many devices. Zeroed: closed; opened when first needed. */
struct ipc_kernel {
	struct netlink rt;
	struct netlink genl;
	uint16_t family; /* 0: not resolved yet */
};
void kernel_close(struct ipc_kernel *k);

/* 0 or -errno of rtnetlink. */
must_check int kernel_list(struct ipc_kernel *k, struct ipc_names *out);
/* The index of the link of this name and of kind wireguard in this network namespace. -ENODEV: no such link; or another
 * -errno. */
must_check int kernel_index(struct ipc_kernel *k, const char *name, uint32_t *ifindex);
/* Errors as those of ipc_get and ipc_set; -EPROTONOSUPPORT: this kernel has no WireGuard. */
must_check int kernel_get(struct ipc_kernel *k, struct wg_device *out, const char *name);
must_check int kernel_set(struct ipc_kernel *k, const struct wg_device *patch);

#endif
