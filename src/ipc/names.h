/* Names of WireGuard devices and the backend that serves each. Public through ipc.h. */
#ifndef WG_IPC_NAMES_H
#define WG_IPC_NAMES_H

#include "model/model.h"

enum ipc_backend { IPC_KERNEL, IPC_SOCKET };

struct ipc_name {
	char name[WG_NAME_MAX];
	enum ipc_backend backend;
	uint32_t ifindex; /* 0 for sockets */
};

/* A zeroed struct is empty. */
struct ipc_names {
	struct ipc_name *list;
	size_t n, cap;
};
must_check int ipc_names_add(struct ipc_names *names, const struct ipc_name *name); /* 0 or -ENOMEM */
void ipc_names_free(struct ipc_names *names);

#endif
