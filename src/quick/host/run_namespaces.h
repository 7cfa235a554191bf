/* The namespaces of `run`: user, network, mount and process namespace, which every user may create. */
#ifndef WG_QUICK_RUN_NAMESPACES_H
#define WG_QUICK_RUN_NAMESPACES_H

#include <sys/types.h>

#include "base/base.h"

/* Forks a child that is the first process of new namespaces. Returns 0 in the child, its PID in the parent, or -errno after
 * reporting. The child then calls run_namespaces_map(). */
must_check pid_t run_namespaces_fork(void);
/* In the child: its user keeps the same number inside, and no other user exists there. 0, or -errno after reporting. */
must_check int run_namespaces_map(void);

/* Reports that something inside was refused: "cannot WHAT: reason", and the setting of the host that is the cause, if it is
 * known. Returns the error. */
int run_namespaces_refused(const char *what, int error);

/* In the child, before the command: gives up all capabilities, also for a user with number 0, whom the kernel would give them
 * again. Programs whose file has capabilities, such as ping(8), get them, over these namespaces only. 0 or -errno. */
must_check int run_namespaces_drop_capabilities(void);

#endif
