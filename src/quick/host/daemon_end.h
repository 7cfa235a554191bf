/* The end of a userspace daemon, and of its interface. */
#ifndef WG_QUICK_DAEMON_END_H
#define WG_QUICK_DAEMON_END_H

#include "rtnetlink.h"

/* Kills the daemon that listens on the configuration socket of this name, if that is still this process, and waits until it does
 * no longer listen. 0 or -errno: -ESRCH: it does not listen; -ETIMEDOUT. */
must_check int daemon_kill(const char *name, int pid);

/* The interface has this index, in this network namespace. */
bool interface_exists(uint32_t index);

enum daemon_state {
	DAEMON_GONE,    /* neither the interface nor a daemon exists */
	DAEMON_SERVES,  /* it is there, or another process has replaced it */
	DAEMON_MISSING, /* the interface exists, and none serves it */
};
/* Waits until the interface of a daemon that has ended is gone, or another process serves it; at most limit_ms. may_return: a
 * service manager starts daemons again, so that an interface that is gone may return within the limit. */
enum daemon_state daemon_await_end(const char *name, struct rtnetlink *rt, bool may_return, unsigned int limit_ms);

#endif
