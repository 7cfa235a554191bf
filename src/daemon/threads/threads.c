/* Threads, one epoll set for all of them, and the way from and to control. */
#include "threads.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/log.h"

#define STOP UINT64_MAX /* what the event that ends threads carries */

enum { COLLECT_MAX = 64 }; /* packets at a time: a peer's queue of staged ones takes twice that */

unsigned int crew_default(void)
{
	cpu_set_t cpus;
	unsigned int n;

	if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
		return 1;
	n = (unsigned int)CPU_COUNT(&cpus) / 2;
	return n < 1 ? 1 : n < CREW_DEFAULT_MAX ? n : CREW_DEFAULT_MAX;
}

/* ---- what wakes whom ---- */

static void tell_control(struct crew *c)
{
	static const uint64_t one = 1;

	if (!atomic_exchange(&c->woken, true) && write(c->wake, &one, sizeof one) < 0)
		log_verbose("waking control: %s", strerror(errno));
}

static uint64_t event_of(const struct crew *c, enum crew_which which)
{
	return (uint64_t)c->sources[which].generation << 8 | which;
}

/* One thread alone leaves its sources armed: that saves a system call a batch. */
static int arm(struct crew *c, enum crew_which which, int how)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = event_of(c, which) };

	if (c->n > 1)
		e.events |= EPOLLONESHOT;
	return epoll_ctl(c->epoll, how, c->sources[which].fd, &e) == 0 ? 0 : -errno;
}

static void arm_again(struct crew *c, enum crew_which which)
{
	if (c->n > 1 && arm(c, which, EPOLL_CTL_MOD) != 0)
		unreachable(); /* it is there, and there is nothing to allocate */
}

static void disarm(struct crew *c, enum crew_which which)
{
	if (c->n == 1)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->sources[which].fd, NULL);
}

/* ---- a thread ---- */

static bool read_batch(struct crew *c, struct worker *w, enum crew_which which)
{
	switch (which) {
	case CREW_TUN: return worker_read_tun(w);
	case CREW_V4: worker_read_udp(w, &c->udp->sockets[UDP_V4]); return true;
	case CREW_V6: worker_read_udp(w, &c->udp->sockets[UDP_V6]); return true;
	case CREW_SOURCES: break;
	}
	unreachable();
}

/* One batch of a source that is this thread's alone until it arms it again. */
static void serve(struct crew_member *m, enum crew_which which, uint32_t events)
{
	struct crew *c = m->crew;
	struct crew_source *s = &c->sources[which];
	bool good, armed = false;

	m->place.line = &s->line;
	m->place.handed = m->worker->tun_gone = false;
	good = read_batch(c, m->worker, which) && (which != CREW_TUN || !(events & EPOLLERR));
	if (m->worker->batch.n > 0)
		place_queue(&m->place);
	if (good && c->n > 1 && m->worker->batch.n >= CREW_SHARE && line_length(&s->line) < CREW_AHEAD) {
		arm_again(c, which);
		armed = true;
	}
	if (m->place.in_line && which == CREW_TUN)
		worker_finish_tun(m->worker);
	else if (m->place.in_line)
		worker_finish_udp(m->worker);
	if (good && !armed)
		arm_again(c, which);
	if (!good)
		disarm(c, which);
	if (!good || m->worker->tun_gone) {
		atomic_store(&c->tun_failed, true); /* control serves it anew, or ends */
		m->place.handed = true;
	}
	if (m->place.handed || tunnel_needs_control(c->tunnel))
		tell_control(c);
}

static void *thread_main(void *ctx)
{
	struct crew_member *m = ctx;
	struct crew *c = m->crew;
	struct epoll_event e;

	(void)sem_post(&c->running);
	for (;;) {
		int n = epoll_wait(c->epoll, &e, 1, -1);
		if (n < 0 && errno != EINTR)
			unreachable(); /* our own set, our own memory */
		if (n <= 0)
			continue;
		if (e.data.u64 == STOP)
			return NULL;
		gate_enter(&c->pause, &m->at_work);
		if (e.data.u64 == event_of(c, e.data.u64 & 0xff))
			serve(m, e.data.u64 & 0xff, e.events);
		pthread_mutex_unlock(&m->at_work);
	}
}

/* ---- life ---- */

static int open_events(struct crew *c)
{
	struct epoll_event stop = { .events = EPOLLIN, .data.u64 = STOP };

	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->epoll < 0 || c->stop < 0 || c->wake < 0 ||
	    epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->stop, &stop) != 0)
		return -errno;
	return 0;
}

static bool member_init(struct crew_member *m, struct crew *c)
{
	m->crew = c;
	m->worker = worker_new(c->tunnel, c->tun, c->udp, c->icmp);
	if (!m->worker || !place_init(&m->place, &c->places) ||
	    pthread_mutex_init(&m->at_work, NULL) != 0)
		return false;
	m->worker->place = &m->place;
	return true;
}

int crew_init(struct crew *c, unsigned int n)
{
	int error;

	c->epoll = c->stop = c->wake = -1;
	for (int i = 0; i < CREW_SOURCES; i++)
		c->sources[i].fd = -1;
	if (n == 0)
		return 0;
	c->n = n;
	c->places.many = n > 1;
	error = open_events(c);
	if (error)
		return error;
	c->members = aligned_alloc(_Alignof(struct crew_member), n * sizeof *c->members);
	if (!c->members)
		return -ENOMEM;
	memset(c->members, 0, n * sizeof *c->members);
	if (sem_init(&c->running, 0, 0) != 0 || !gate_init(&c->pause) || !gate_init(&c->places.sections) ||
	    !handover_init(&c->places.from_udp, CREW_FROM_UDP) ||
	    !handover_init(&c->places.from_tun, CREW_FROM_TUN))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		if (!member_init(&c->members[i], c))
			return -ENOMEM;
	return 0;
}

int crew_start(struct crew *c)
{
	pthread_attr_t a;
	int error;

	if (c->n == 0)
		return 0;
	error = pthread_attr_init(&a);
	if (error)
		return -error;
	error = pthread_attr_setstacksize(&a, CREW_STACK);
	while (!error && c->n_started < c->n) {
		struct crew_member *m = &c->members[c->n_started];
		error = pthread_create(&m->thread, &a, thread_main, m);
		c->n_started += !error;
	}
	pthread_attr_destroy(&a);
	for (unsigned int i = 0; i < c->n_started; i++)
		while (sem_wait(&c->running) != 0 && errno == EINTR)
			;
	return -error;
}

static void close_events(struct crew *c)
{
	const int fds[] = { c->epoll, c->stop, c->wake };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void crew_free(struct crew *c)
{
	static const uint64_t one = 1;

	if (c->n == 0)
		return;
	if (c->n_started > 0 && write(c->stop, &one, sizeof one) < 0)
		unreachable(); /* nobody else writes there */
	for (unsigned int i = 0; i < c->n_started; i++)
		pthread_join(c->members[i].thread, NULL);
	for (unsigned int i = 0; c->members && i < c->n; i++)
		worker_free(c->members[i].worker);
	free(c->members);
	handover_free(&c->places.from_udp);
	handover_free(&c->places.from_tun);
	close_events(c);
	c->n = c->n_started = 0;
}

/* ---- changes ---- */

void crew_publish_begin(struct crew *c)
{
	if (c->n == 0 || c->published++ > 0)
		return;
	gate_close(&c->places.sections);
	for (unsigned int i = 0; i < c->n; i++)
		pthread_mutex_lock(&c->members[i].place.section);
}

void crew_publish_end(struct crew *c)
{
	if (c->n == 0 || --c->published > 0)
		return;
	for (unsigned int i = c->n; i-- > 0;)
		pthread_mutex_unlock(&c->members[i].place.section);
	gate_open(&c->places.sections);
}

void crew_pause(struct crew *c)
{
	if (c->n == 0)
		return;
	gate_close(&c->pause);
	for (unsigned int i = 0; i < c->n; i++)
		pthread_mutex_lock(&c->members[i].at_work);
}

void crew_resume(struct crew *c)
{
	if (c->n == 0)
		return;
	for (unsigned int i = c->n; i-- > 0;)
		pthread_mutex_unlock(&c->members[i].at_work);
	gate_open(&c->pause);
}

int crew_serve(struct crew *c, enum crew_which which, int fd)
{
	struct crew_source *s = &c->sources[which];
	int before = s->fd, error = 0;

	s->generation++;
	s->fd = fd;
	if (fd >= 0)
		error = arm(c, which, fd == before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
	if (error == -ENOENT) /* it was disarmed */
		error = arm(c, which, EPOLL_CTL_ADD);
	if (!error && before >= 0 && before != fd)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, before, NULL);
	if (error) {
		s->generation--;
		s->fd = before;
	}
	return error;
}

/* ---- to control ---- */

void crew_awake(struct crew *c)
{
	uint64_t times;

	if (read(c->wake, &times, sizeof times) < 0 && errno != EAGAIN)
		log_verbose("waking control: %s", strerror(errno));
	(void)atomic_exchange(&c->woken, false); /* first this, then looking */
}

static void take(struct crew *c, struct worker *control, const struct handed *h)
{
	uint64_t now_ns = clock_boot_ns();

	switch ((enum handed_kind)h->kind) {
	case HANDED_HANDSHAKE:
		worker_put_handshake(control, &h->path, h->tos, h->bytes, h->n);
		return;
	case HANDED_PACKET:
		worker_stage(control, now_ns, h->bytes, h->n);
		return;
	case HANDED_UNREACHABLE:
		icmp_unreachable(c->icmp, now_ns, h->bytes, h->n);
		return;
	case HANDED_SOURCE:
		tunnel_clear_source(c->tunnel, &h->path);
		return;
	}
	unreachable();
}

/* A packet does not leave before what was read before it; when its batch has left, control is told. */
static bool may_be_taken(const struct crew *c, const struct handed *h)
{
	return h && line_has_left(&c->sources[CREW_TUN].line, h->ticket);
}

bool crew_collect(struct crew *c, struct worker *control)
{
	const struct handed *h;
	int taken = 0;

	if (c->n == 0)
		return true;
	/* What control's own ring does not take piles up here, not there. */
	while (!worker_ring_is_full(control) && (h = handover_next(&c->places.from_udp)))
		take(c, control, h);
	while (taken < COLLECT_MAX && may_be_taken(c, handover_peek(&c->places.from_tun))) {
		take(c, control, handover_next(&c->places.from_tun));
		taken++;
	}
	return taken < COLLECT_MAX;
}

bool crew_is_collected(struct crew *c)
{
	return handover_is_empty(&c->places.from_tun);
}

bool crew_tun_failed(struct crew *c)
{
	return atomic_exchange(&c->tun_failed, false);
}

uint64_t crew_lost(struct crew *c)
{
	return c->n == 0 ? 0 : handover_lost(&c->places.from_udp) + handover_lost(&c->places.from_tun);
}
