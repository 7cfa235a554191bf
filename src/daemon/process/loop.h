/* The event loop of the control thread: descriptors that are ready, and one timer of CLOCK_BOOTTIME. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <sys/epoll.h>
#include "base/base.h"

struct loop_source { /* owned by the caller; stays in place while it is in the loop */
	int fd; /* -1: not in the loop */
	void (*ready)(struct loop_source *s, uint32_t events); /* EPOLLIN … */
};

struct loop { /* owned by its thread */
	int epoll;
	struct loop_source timer;
	uint64_t armed_ns; /* when the timer fires; NEVER: not armed */
	struct epoll_event events[32];
	int n_events;
	bool stop;
	const char *stop_reason; /* null: none */
};

must_check int loop_init(struct loop *l); /* 0 or -errno */
void loop_free(struct loop *l);
must_check int loop_add(struct loop *l, struct loop_source *s, int fd, uint32_t events); /* 0 or -errno */
void loop_change(struct loop *l, struct loop_source *s, uint32_t events);
/* Removes a source and its pending events. The caller closes the descriptor. */
void loop_remove(struct loop *l, struct loop_source *s);
/* Sets `stop`, at which the caller of loop_run_once ends; no further source is called. reason: static text, for the log. */
void loop_stop(struct loop *l, const char *reason);

/* Wakes up at the deadline or before. A deadline later than the armed one costs no system call now, but an
 * additional wake-up then. */
void loop_wake_at(struct loop *l, uint64_t deadline_ns);
/* Waits for events (no_wait: only checks for them) and calls the sources that are ready. 0 or -errno. */
must_check int loop_run_once(struct loop *l, bool no_wait);

#endif
