/* The event loop of `wg-quick monitor`: epoll(7), and a timer that also counts while the host is suspended. */
#ifndef WG_QUICK_EVENT_LOOP_H
#define WG_QUICK_EVENT_LOOP_H

#include "base/base.h"

/* A descriptor that is waited for, embedded in what it belongs to. */
struct event_source {
	int fd;
	void (*ready)(struct event_source *s); /* may remove any source */
};
struct event_loop {
	int epoll;
	struct event_source timer;
	uint64_t armed_ms;
};
/* From now on the signals of signals_watch() are delivered only while the loop waits. 0 or -errno. */
must_check int event_loop_init(struct event_loop *l);
void event_loop_free(struct event_loop *l);

/* Calls s->ready whenever there is something to read from fd, until it is removed. 0 or -errno. */
must_check int event_loop_add(struct event_loop *l, struct event_source *s, int fd);
/* Returns the descriptor, which stays open; s->fd is -1 afterwards. */
int event_loop_remove(struct event_loop *l, struct event_source *s);

/* Waits for one event, at most until the deadline, a clock_boot_ms(), and handles it. 0 or -errno: -EINTR after a signal. */
must_check int event_loop_wait(struct event_loop *l, uint64_t deadline_ms);

/* In a child process: signals are delivered again at once. */
void event_loop_forget(void);

#endif
