/* Gives up privileges permanently, for this process and all programs that it runs from then on. */
#ifndef WG_QUICK_PRIVILEGES_H
#define WG_QUICK_PRIVILEGES_H

#include "base/base.h"

/* Leaves CAP_NET_ADMIN, also to root, and no way to get others. Refuses system calls by which a process with it could still
 * change the system beyond the network: mounts, namespaces, kernel modules, BPF, tracing, the clock. What the
 * kernel does not support is reported once. */
void privileges_drop(void);

#endif
