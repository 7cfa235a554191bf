/* Asking a userspace daemon for its state without waiting, to see whether it answers at all. */
#ifndef WG_QUICK_DAEMON_QUERY_H
#define WG_QUICK_DAEMON_QUERY_H

#include "event_loop.h"

struct daemon_query {
	struct event_source source; /* fd -1: nothing was asked */
	struct event_loop *loop;
	void (*answered)(struct daemon_query *q, bool ended); /* with anything; ended: the daemon closed the connection */
};
/* Replaces a question that is open. q->answered is called at most once. 0 or -errno: -ECONNREFUSED: the daemon has died; -EAGAIN: it
 * does not accept connections, which is as silent as no answer. Others say nothing about the daemon. */
must_check int daemon_query_start(struct daemon_query *q, struct event_loop *l, const char *name);
void daemon_query_stop(struct daemon_query *q);

/* A descriptor that is readable once the process that listens for this interface has ended; -errno: -ESRCH: none does. *pid: that
 * process, also if it has no descriptor; 0: none. */
must_check int daemon_process_fd(const char *name, int *pid);
void daemon_process_close(int fd);

#endif
