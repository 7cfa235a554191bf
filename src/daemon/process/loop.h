/* The event loop: file descriptors that are ready, and one timer of the clock that counts suspend. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <sys/epoll.h>
#include "base/base.h"

struct loop_source {
	int fd; /* -1: not in the loop */
	void (*ready)(struct loop_source *s, uint32_t events); /* EPOLLIN … */
};

struct loop {
	int epoll;
	struct loop_source timer;
	uint64_t armed_ns; /* when the timer will fire; NEVER: it will not */
	struct epoll_event events[32];
	int n_events;
	bool stop;
};

must_check int loop_init(struct loop *l);
void loop_free(struct loop *l);
must_check int loop_add(struct loop *l, struct loop_source *s, int fd, uint32_t events);
void loop_change(struct loop *l, struct loop_source *s, uint32_t events);
/* Out of the loop; events of it that wait are forgotten. The caller closes the descriptor. */
void loop_remove(struct loop *l, struct loop_source *s);

/* Wakes up by then. A later deadline than the one armed costs no system call, only one more wake-up. */
void loop_wake_at(struct loop *l, uint64_t deadline_ns);
/* Waits (with `busy`: only looks) and calls whoever is ready. 0 or -errno. */
must_check int loop_turn(struct loop *l, bool busy);

#endif
