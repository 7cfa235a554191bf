/* Interfaces of wg-quick that a hook or another program moved to another network namespace. */
#ifndef WG_QUICK_MOVED_LINK_H
#define WG_QUICK_MOVED_LINK_H

#include "base/vector.h"
#include "ipc/ipc.h"

struct moved_link {
	const char *name;
	const struct wg_public *key;      /* null: not known */
	const struct string_list *others; /* names of other tunnels, which may have the same key */
};

/* Deletes the interface with this public key, whatever its name is, wherever it is: a kernel interface in any namespace that is mounted in
 * /run/netns or that a process is in, or a userspace interface, by removing the socket of its daemon. Appends the equivalent
 * commands to trace. If the key is not known, an interface with this name is only looked for. 1: deleted; 0: there
 * is none that was created here; -ENOKEY: it was found by name; -ENETDOWN: one that is down may have been created elsewhere; -EPERM: the namespaces cannot be entered; another -errno: it cannot be deleted. */
must_check int moved_link_delete(struct ipc *ipc, const struct moved_link *link, struct text *trace);
/* 1: there is an interface that moved_link_delete() would delete or, if the key is not known, look for. 0 or -errno. */
must_check int moved_link_find(struct ipc *ipc, const struct moved_link *link);

#endif
