/* Child processes that run commands of this program, for `wg-quick supervise`, which may be the first process of a container: there,
 * it reaps every process that has no other parent. */
#ifndef WG_QUICK_OWN_CHILDREN_H
#define WG_QUICK_OWN_CHILDREN_H

#include <sys/types.h>

#include "event_loop.h"

struct own_children {
	struct event_source source;
	struct event_loop *loop;
	/* Set by the caller. A process has ended; status: its exit status, or 128 + signal. It may be one that was not started here. */
	void (*ended)(struct own_children *c, pid_t pid, int status);
};
/* Before event_loop_init(). */
void own_children_block_signal(void);
must_check int own_children_open(struct own_children *c, struct event_loop *l); /* 0 or -errno */
void own_children_close(struct own_children *c);

/* Runs this program with these arguments, argv[0] included and ended by null, in its own process group: a signal typed at the
 * terminal reaches this process alone. Its number, or -errno. */
must_check pid_t own_children_start(const char *const argv[]);
/* Asks it to stop. */
void own_children_stop(pid_t pid);

#endif
