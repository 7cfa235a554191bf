/* Least privilege: giving up capabilities, files and system calls that the daemon no longer needs. A kernel
 * that lacks a mechanism, or an inherited filter that forbids it, is not an error. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "base/base.h"

/* First of all: no core dumps, no debugger of another user. */
void sandbox_prepare(void);
/* When the buffers and the tunnel are allocated: these and a first megabyte of heap are never swapped out.
 * Memory that is allocated later, only where no limit forbids it. */
void sandbox_lock_memory(void);
struct sandbox_folders { /* in which the daemon removes and renames its sockets */
	const char *sockets, *statistics;
};
/* When everything is open. Effective afterwards: CAP_NET_ADMIN (mark, link settings). Permitted, and effective
 * only between two calls of sandbox_raise: CAP_SYS_ADMIN (entering the namespace to which the link moved; the
 * filter allows no other use), CAP_NET_BROADCAST (events of that namespace), CAP_NET_RAW (ICMP there),
 * CAP_NET_BIND_SERVICE (ports). No new privileges. Files: only these folders and the IPv4 settings
 * in /proc/sys/net. Threads that start later inherit all this. */
void sandbox_enter(const struct sandbox_folders *folders);
/* When all threads run, for all of them: allows the system calls that control and the threads need, no others. Then
 * reports the parts that are missing. */
void sandbox_restrict_syscalls(void);
/* Around the operations that need a permitted capability: opening sockets, and everything in the namespace of a link
 * that was moved. Control thread only. */
void sandbox_raise(bool raise);

enum sandbox_part {
	SANDBOX_MEMORY_LOCK, SANDBOX_CAPABILITIES, SANDBOX_NO_NEW_PRIVS, SANDBOX_LANDLOCK, SANDBOX_SECCOMP,
	SANDBOX_PARTS
};
struct sandbox_state { /* owned by control */
	const char *name;
	bool is_active;
	char why[80]; /* not active: the reason */
};
const struct sandbox_state *sandbox_state(enum sandbox_part part);

#endif
