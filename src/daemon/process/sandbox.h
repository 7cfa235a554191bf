/* Giving up what is not needed any more: capabilities, files, system calls. */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "base/base.h"

/* First thing: no core dumps, no debugger of another user. */
void sandbox_prepare(void);
/* When the buffers and the tunnel are there: what they hold, and a first megabyte of heap, is never swapped
 * out. Later memory only where no limit forbids. */
void sandbox_lock_memory(void);
/* When everything is open. Afterwards: effective CAP_NET_ADMIN (mark, link settings); permitted, and raised
 * only where sandbox_raise says so: CAP_SYS_ADMIN (to enter the namespace that the link moved to, which the
 * filter allows alone of all it stands for), CAP_NET_BROADCAST (to hear of it there), CAP_NET_RAW (ICMP
 * there), CAP_NET_BIND_SERVICE (ports).
 * No new privileges; files: nothing but the socket's folder and two settings of the IPv4 stack. Threads that
 * begin later have no more. A kernel that lacks one of these, or a filter above us that forbids it, is no
 * error. */
void sandbox_enter(const char *socket_dir);
/* When all threads run, for all of them: system calls that the loop and they need, no others. Likewise. */
void sandbox_restrict_calls(void);
/* Around a call that needs a permitted capability. */
void sandbox_raise(bool begin);

#endif
