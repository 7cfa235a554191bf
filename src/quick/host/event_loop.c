/* The event loop: epoll(7) and a timerfd. */
#include "event_loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

static sigset_t unblocked; /* as it was before */

static void timer_ready(struct event_source *s)
{
	struct event_loop *l = container_of(s, struct event_loop, timer);
	uint64_t times;

	if (read(s->fd, &times, sizeof times) == (ssize_t)sizeof times)
		l->armed_ms = NEVER;
}

int event_loop_init(struct event_loop *l)
{
	sigset_t stop;
	int fd, r;

	*l = (struct event_loop){ .timer = { -1, timer_ready }, .armed_ms = NEVER };
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	sigprocmask(SIG_BLOCK, &stop, &unblocked);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return -errno;
	fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	r = fd < 0 ? -errno : event_loop_add(l, &l->timer, fd);
	if (r < 0 && fd >= 0)
		close(fd);
	if (r < 0)
		event_loop_free(l);
	return r;
}

void event_loop_free(struct event_loop *l)
{
	if (l->timer.fd >= 0)
		close(l->timer.fd);
	if (l->epoll >= 0)
		close(l->epoll);
	l->timer.fd = l->epoll = -1;
	event_loop_forget();
}

int event_loop_add(struct event_loop *l, struct event_source *s, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	s->fd = fd;
	return 0;
}

int event_loop_remove(struct event_loop *l, struct event_source *s)
{
	int fd = s->fd;

	if (fd >= 0)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->fd = -1;
	return fd;
}

static int arm(struct event_loop *l, uint64_t deadline_ms)
{
	struct itimerspec at = { .it_value = { 0 } };

	if (deadline_ms == l->armed_ms)
		return 0;
	if (deadline_ms != NEVER) {
		at.it_value.tv_sec = (time_t)(deadline_ms / 1000);
		at.it_value.tv_nsec = (long)(deadline_ms % 1000 * NS_PER_MS) + 1; /* 0 would disarm it */
	}
	if (timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &at, NULL) < 0)
		return -errno;
	l->armed_ms = deadline_ms;
	return 0;
}

int event_loop_wait(struct event_loop *l, uint64_t deadline_ms)
{
	struct epoll_event e;
	struct event_source *s;
	int r = arm(l, deadline_ms);

	if (r < 0)
		return r;
	/* One at a time: an event may remove the source of another. */
	r = epoll_pwait(l->epoll, &e, 1, -1, &unblocked);
	if (r < 0)
		return -errno;
	s = e.data.ptr;
	s->ready(s);
	return stop_signal ? -EINTR : 0;
}

void event_loop_forget(void)
{
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
}
