/* The event loop: epoll(7) and a timerfd. */
#include "loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void timer_ready(struct loop_source *s, uint32_t events)
{
	struct loop *l = container_of(s, struct loop, timer);
	uint64_t times;

	(void)events;
	if (read(s->fd, &times, sizeof times) == (ssize_t)sizeof times)
		l->armed_ns = NEVER;
}

int loop_init(struct loop *l)
{
	int error, fd;

	*l = (struct loop){ .timer = { -1, timer_ready }, .armed_ns = NEVER };
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	error = fd < 0 ? -errno : loop_add(l, &l->timer, fd, EPOLLIN);
	if (error && fd >= 0)
		close(fd);
	if (error)
		loop_free(l);
	return error;
}

void loop_free(struct loop *l)
{
	if (l->timer.fd >= 0)
		close(l->timer.fd);
	if (l->epoll >= 0)
		close(l->epoll);
	l->timer.fd = l->epoll = -1;
}

int loop_add(struct loop *l, struct loop_source *s, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		return -errno;
	s->fd = fd;
	return 0;
}

void loop_change(struct loop *l, struct loop_source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &e) != 0)
		unreachable(); /* the descriptor is in the set, and changing it allocates nothing */
}

void loop_remove(struct loop *l, struct loop_source *s)
{
	struct epoll_event none = { 0 };

	if (s->fd < 0)
		return;
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, &none);
	s->fd = -1;
	for (int i = 0; i < l->n_events; i++)
		if (l->events[i].data.ptr == s)
			l->events[i].data.ptr = NULL;
}

void loop_stop(struct loop *l, const char *reason)
{
	l->stop = true;
	l->stop_reason = reason;
}

void loop_wake_at(struct loop *l, uint64_t deadline_ns)
{
	struct itimerspec at = { 0 };

	if (deadline_ns >= l->armed_ns)
		return;
	/* Zero would disarm the timer. */
	at.it_value.tv_sec = (time_t)(deadline_ns / NS_PER_S);
	at.it_value.tv_nsec = (long)(deadline_ns % NS_PER_S) | (deadline_ns == 0);
	if (timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
		l->armed_ns = deadline_ns;
}

int loop_run_once(struct loop *l, bool no_wait)
{
	l->n_events = epoll_wait(l->epoll, l->events, ARRAY_LEN(l->events), no_wait ? 0 : -1);
	if (l->n_events < 0) {
		l->n_events = 0;
		return errno == EINTR ? 0 : -errno;
	}
	for (int i = 0; i < l->n_events && !l->stop; i++) {
		struct loop_source *s = l->events[i].data.ptr;
		if (s)
			s->ready(s, l->events[i].events);
	}
	l->n_events = 0;
	return 0;
}
