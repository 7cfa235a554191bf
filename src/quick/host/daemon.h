/* Userspace daemons that serve an interface. */
#ifndef WG_QUICK_DAEMON_H
#define WG_QUICK_DAEMON_H

#include "ipc/ipc.h"

/* Waits, up to ten seconds, until the daemon of a deleted interface has exited, and removes the socket of one that did not
 * clean up: a following `up` must find neither. One that is stopped is waited for half a second. */
void daemon_wait_exit(const char *name);

/* Removes the socket of a daemon, which then exits, and its interface with it; waits for that. 0 or -errno. */
must_check int daemon_end(const char *name);

struct daemon_process {
	int pid;          /* 0: not known, as in another process namespace */
	char program[32]; /* its name for the kernel, or "" */
};
/* The daemon that listens on the configuration socket of this name. False: none does. */
must_check bool daemon_find(struct daemon_process *out, const char *name);

/* True if the process was started with "NAME=VALUE" in its environment. */
bool daemon_has_variable(const struct daemon_process *d, const char *assignment);
/* True if the process belongs to this unit of systemd. */
bool daemon_is_of_unit(const struct daemon_process *d, const char *unit);

/* Appends the statistics of a wireguardd, as wireguardd(8) describes them. 0 or -errno: -ENOENT where the daemon is another one,
 * -ETIMEDOUT if it does not answer. */
must_check int daemon_read_statistics(struct text *out, const char *name);

/* True if the daemon is known to be in another network namespace. */
bool daemon_is_elsewhere(const char *name);

/* Removes the sockets of daemons that have died, of all interfaces: programs that use wgctrl-go fail for every interface
 * if one socket refuses connections. Listing the interfaces removes them. */
void daemon_remove_dead_sockets(struct ipc *ipc);

#endif
