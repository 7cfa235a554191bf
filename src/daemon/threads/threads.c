/* Thread pool: the threads, their epoll set, and how they and control wake each other. */
#include "threads.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/cpu_affinity.h"
#include "daemon/process/cpu_quota.h"
#include "daemon/process/log.h"
#include "spread.h"

#define STOP_EVENT UINT64_MAX       /* epoll data of the eventfd that ends the threads */
#define HELP_EVENT (UINT64_MAX - 1)   /* of the one by which control asks for help with handshakes */

enum {
	REPLAY_WINDOW = 8128, /* packets (proto/replay.h) */
};

static_assert(2 * (int)THREADS_MAX <= (int)SEQUENCER_TICKETS, "each thread has one ticket");
/* Threads open the batches in any order: the replay window must cover all that are in flight. */
static_assert((int)THREADS_IN_FLIGHT_MAX * (int)WORKER_BUFS <= (int)REPLAY_WINDOW,
	      "batches in flight fit the replay window");

unsigned int threads_default(void)
{
	unsigned int n = cpu_count_usable() / 2;

	return n < 1 ? 1 : n < THREADS_DEFAULT_MAX ? n : THREADS_DEFAULT_MAX;
}

/* One for each thread, so that each can read. A single thread has larger batches with one. */
unsigned int threads_tun_queues(unsigned int n)
{
	return n < 1 ? 1 : n < TUN_QUEUES_MAX ? n : TUN_QUEUES_MAX;
}

/* ---- events ---- */

static void wake_control(struct thread_pool *p)
{
	static const uint64_t one = 1;

	if (!atomic_exchange(&p->is_woken, true) && write(p->wake, &one, sizeof one) < 0)
		log_verbose("cannot wake the control thread: %s", strerror(errno));
}

static struct sequencer *sequencer_of(struct thread_pool *p, enum threads_source source)
{
	return &p->sequencers[source < THREADS_TUN ? source : THREADS_TUN];
}

static uint64_t event_of(const struct thread_pool *p, enum threads_source source)
{
	return (uint64_t)p->sources[source].generation << 8 | source;
}

/* A single thread leaves its sources armed, which saves a system call for each batch. */
static int arm(struct thread_pool *p, enum threads_source source, int operation)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = event_of(p, source) };

	if (p->n > 1)
		e.events |= EPOLLONESHOT;
	return epoll_ctl(p->epoll, operation, p->sources[source].fd, &e) == 0 ? 0 : -errno;
}

static void rearm(struct thread_pool *p, enum threads_source source)
{
	if (p->n > 1 && arm(p, source, EPOLL_CTL_MOD) != 0)
		unreachable(); /* the descriptor is in the set, and changing it allocates nothing */
}

/* The right to read the source goes to a thread that waits, or to the one that is ready first. Sequentially consistent, as in
 * wait_for_event: either this thread sees the one that is about to wait, or that one sees the offer. */
static void pass_on(struct thread_pool *p, enum threads_source source)
{
	struct packet_source *s = &p->sources[source];

	if (atomic_load(&p->n_waiting) == 0) {
		atomic_store(&s->is_offered, true);
		if (atomic_load(&p->n_waiting) == 0 || !atomic_exchange(&s->is_offered, false))
			return;
	}
	rearm(p, source);
}

static void disarm(struct thread_pool *p, enum threads_source source)
{
	if (p->n == 1)
		(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->sources[source].fd, NULL);
}

/* ---- a thread ---- */

/* False: the TUN reported an error. */
static bool read_batch(struct thread_pool *p, struct worker *w, enum threads_source source)
{
	uint64_t before;

	if (source >= THREADS_TUN) {
		w->tun_queue = source - THREADS_TUN;
		return worker_read_tun(w);
	}
	w->socket = source / 2;
	before = counter_read(&w->counters.udp_datagrams);
	worker_receive_udp(w, &p->udp->sockets[udp_data_index(source % 2, source / 2)]);
	counter_add(&p->sources[source].n_received, counter_read(&w->counters.udp_datagrams) - before + w->batch.n);
	return true;
}

static uint64_t opened(const struct thread_pool *p, unsigned int socket)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < p->n; i++)
		sum += counter_read(&p->threads[i].worker->counters.opened[socket]);
	return sum;
}

/* Now and then: which queues of the TUN packets are written to. Only authentic packets count. */
static void judge_spread(struct thread_pool *p)
{
	uint64_t now_ns = clock_boot_ns(), due_ns = atomic_load_explicit(&p->judge_ns, memory_order_relaxed);
	uint64_t received[UDP_DATA_MAX], wait_ms = THREADS_SPREAD_MS;
	unsigned int n = udp_shards(p->udp);
	bool before = atomic_load_explicit(&p->shared.by_shard, memory_order_relaxed), is_even;

	if (n < 2 || now_ns < due_ns || !atomic_compare_exchange_strong(&p->judge_ns, &due_ns, NEVER))
		return;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t sum = opened(p, i);
		received[i] = sum - p->n_judged[i];
		p->n_judged[i] = sum;
	}
	is_even = spread_is_even(received, n, before);
	if (is_even != before) {
		atomic_store_explicit(&p->shared.by_shard, is_even, memory_order_relaxed);
		wait_ms = THREADS_SPREAD_HOLD_MS;
	}
	atomic_store(&p->judge_ns, now_ns + wait_ms * NS_PER_MS);
}

static bool is_large(const struct worker *w)
{
	return w->batch.n >= THREADS_REARM_PACKETS ||
	       (w->n_reads > 0 && (w->read_packets >= THREADS_REARM_PACKETS || w->read_bytes >= THREADS_REARM_BYTES));
}

/* Any number of batches from the TUN, of which each thread has one, as those of a peer leave in order. */
static bool may_read(const struct sequencer *s, enum threads_source source)
{
	return source >= THREADS_TUN || sequencer_in_flight(s) < THREADS_IN_FLIGHT_MAX;
}

static void begin_batch(struct worker *w, struct sequencer *s)
{
	assert(!w->ticket.is_held && !worker_has_read(w));
	w->ticket.sequencer = s;
	w->has_posted = w->tun_deleted = false;
}

/* Reads a batch and takes its ticket. The lock decides who does so next, if the other one serves the queue. False: the TUN
 * reported an error. */
static bool read_in_order(struct thread_pool *p, struct worker *w, enum threads_source source)
{
	struct sequencer *s = sequencer_of(p, source);
	bool good = true;

	if (source >= THREADS_TUN)
		pthread_mutex_lock(&p->shared.queue->lock);
	if (may_read(s, source))
		good = read_batch(p, w, source);
	if (worker_has_read(w))
		ticket_take(&w->ticket);
	if (source >= THREADS_TUN)
		pthread_mutex_unlock(&p->shared.queue->lock);
	assert(source >= THREADS_TUN || sequencer_in_flight(s) <= THREADS_IN_FLIGHT_MAX);
	return good;
}

static void process_batch(struct thread_pool *p, struct worker *w, enum threads_source source, bool good)
{
	if (w->ticket.is_held && source >= THREADS_TUN)
		worker_seal_and_send(w);
	else if (w->ticket.is_held)
		worker_open_and_write(w);
	assert(!w->ticket.is_held && !worker_has_read(w));
	if (!good)
		disarm(p, source);
	if (!good || w->tun_deleted) {
		atomic_store(&p->tun_failed, true); /* control sets the source again, or ends */
		w->has_posted = true;
	}
	if (w->has_posted || tunnel_needs_control(p->tunnel))
		wake_control(p);
}

/* One batch of a source, of which this thread is the only reader until it arms the source again, or offers it. */
static void serve(struct data_thread *t, enum threads_source source, uint32_t events)
{
	struct thread_pool *p = t->pool;
	struct worker *w = t->worker;
	struct sequencer *s = sequencer_of(p, source);
	bool good, passed = false;

	begin_batch(w, s);
	good = read_in_order(p, w, source) && (source < THREADS_TUN || !(events & EPOLLERR));
	if (good && p->n > 1 && is_large(w) && may_read(s, source)) {
		pass_on(p, source);
		passed = true;
	}
	if (p->n > 1 && source < THREADS_TUN)
		judge_spread(p);
	process_batch(p, w, source, good);
	if (good && !passed)
		rearm(p, source);
}

/* One batch of what waits in the queue. Until it is empty, each thread calls this after each batch of a source. */
static void serve_queue(struct data_thread *t)
{
	struct thread_pool *p = t->pool;
	struct worker *w = t->worker;
	bool good;

	if (p->sources[THREADS_TUN].fd < 0) /* control discards what waits */
		return;
	begin_batch(w, sequencer_of(p, THREADS_TUN));
	w->only_takes = p->n > 1 && tun_queues(p->tun) > 1; /* it has the turn of no queue of the TUN */
	good = read_in_order(p, w, THREADS_TUN);
	w->only_takes = false;
	process_batch(p, w, THREADS_TUN, good);
}

static bool is_own(const struct data_thread *t, unsigned int source)
{
	unsigned int number = source < THREADS_TUN ? source / 2 : source - THREADS_TUN;

	return number % t->pool->n == t->number;
}

/* A source that is offered, of this thread or of any; negative: none. */
static int find_offer(const struct data_thread *t, bool own)
{
	const struct thread_pool *p = t->pool;

	for (unsigned int i = 0; p->n > 1 && i < THREADS_SOURCES; i++) {
		unsigned int source = (t->next_own + i) % THREADS_SOURCES;
		if ((!own || is_own(t, source)) && atomic_load(&p->sources[source].is_offered))
			return (int)source;
	}
	return -1;
}

/* One batch of a source that is offered. False: none is. */
static bool serve_offer(struct data_thread *t)
{
	int source = find_offer(t, true);

	if (source < 0)
		source = find_offer(t, false);
	if (source < 0 || !atomic_exchange(&t->pool->sources[source].is_offered, false))
		return false;
	t->next_own = (unsigned int)source + 1;
	serve(t, (enum threads_source)source, 0);
	return true;
}

/* Waits, unless there is an offer, or a piece of control's handshakes. As epoll_wait(2). */
static int wait_for_event(struct data_thread *t, struct epoll_event *e)
{
	static const int wait_ms[] = {
		[TUN_QUEUE_EMPTY] = -1, [TUN_QUEUE_READY] = 0, [TUN_QUEUE_HELD] = TUN_QUEUE_HELD_MS,
	};
	struct thread_pool *p = t->pool;
	bool has_work;
	int n;

	(void)atomic_fetch_add(&p->n_waiting, 1); /* see pass_on, parallel_run */
	has_work = find_offer(t, false) >= 0 || parallel_jobs_are_left(&p->parallel);
	n = epoll_wait(p->epoll, e, 1, has_work ? 0 : wait_ms[tun_queue_state(p->shared.queue)]);
	(void)atomic_fetch_sub(&p->n_waiting, 1);
	return n;
}

/* An event, or none: there may be an offer. A thread that has offered sources takes these and events in turns. */
static int next_event(struct data_thread *t, struct epoll_event *e)
{
	int n;

	t->looks_for_events = !t->looks_for_events;
	if (find_offer(t, true) >= 0)
		n = t->looks_for_events ? epoll_wait(t->pool->epoll, e, 1, 0) : 0;
	else
		n = wait_for_event(t, e);
	if (n < 0 && errno != EINTR)
		unreachable(); /* no other error with a valid set and buffer */
	return n;
}

/* Serves the event, or an offer, and then what waits in the queue of the TUN. False: there was nothing to do. */
static bool serve_packets(struct data_thread *t, const struct epoll_event *e)
{
	struct thread_pool *p = t->pool;
	enum tun_queue_state state;
	bool any = e != NULL;

	brlock_read_lock(&t->source_reader);
	if (!e)
		any = serve_offer(t);
	else if (e->data.u64 == event_of(p, e->data.u64 & 0xff))
		serve(t, e->data.u64 & 0xff, e->events);
	state = tun_queue_state(p->shared.queue);
	if (state != TUN_QUEUE_EMPTY)
		serve_queue(t);
	brlock_read_unlock(&t->source_reader);
	return any || state == TUN_QUEUE_READY;
}

static void *thread_main(void *ctx)
{
	struct data_thread *t = ctx;
	struct thread_pool *p = t->pool;
	struct epoll_event e;

	(void)sem_post(&p->started);
	for (;;) {
		int n = next_event(t, &e);
		if (n > 0 && e.data.u64 == STOP_EVENT)
			return NULL;
		if ((n > 0 && e.data.u64 == HELP_EVENT) || !serve_packets(t, n > 0 ? &e : NULL))
			counter_add(&t->worker->counters.multiplications, parallel_help(&p->parallel));
	}
}

/* ---- lifetime ---- */

static int open_events(struct thread_pool *p)
{
	struct epoll_event stop = { .events = EPOLLIN, .data.u64 = STOP_EVENT };
	struct epoll_event help = { .events = EPOLLIN | EPOLLET, .data.u64 = HELP_EVENT };

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	p->parallel.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->epoll < 0 || p->stop < 0 || p->wake < 0 || p->parallel.wake < 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->stop, &stop) != 0 ||
	    epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->parallel.wake, &help) != 0)
		return -errno;
	return 0;
}

static bool shared_init(struct thread_pool *p)
{
	p->shared.many_threads = p->n > 1;
	p->sequencers[THREADS_TUN].departures = p->departures;
	return brlock_init(&p->shared.tunnel_lock) &&
	       mailbox_init(&p->shared.udp_mail, THREADS_UDP_MAIL_BYTES) &&
	       mailbox_init(&p->shared.tun_mail, THREADS_TUN_MAIL_BYTES);
}

static bool thread_init(struct data_thread *t, struct thread_pool *p, unsigned int number)
{
	t->pool = p;
	t->number = number;
	t->worker = worker_new(p->tunnel, p->tun, p->udp, p->icmp);
	if (t->worker)
		t->worker->tx.number = number;
	return t->worker && worker_share(t->worker, &p->shared) &&
	       brlock_add_reader(&p->source_lock, &t->source_reader);
}

int threads_init(struct thread_pool *p, unsigned int n)
{
	int error;

	assert(n <= THREADS_MAX);
	p->epoll = p->stop = p->wake = p->parallel.wake = -1;
	for (int i = 0; i < THREADS_SOURCES; i++)
		p->sources[i].fd = -1;
	if (n == 0)
		return 0;
	p->n = n;
	error = open_events(p);
	if (error)
		return error;
	p->threads = aligned_alloc(_Alignof(struct data_thread), n * sizeof *p->threads);
	if (!p->threads)
		return -ENOMEM;
	memset(p->threads, 0, n * sizeof *p->threads);
	if (sem_init(&p->started, 0, 0) != 0 || !brlock_init(&p->source_lock) || !shared_init(p))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		if (!thread_init(&p->threads[i], p, i))
			return -ENOMEM;
	return 0;
}

static void yield_cpu(void)
{
	(void)sched_yield(); /* never fails on Linux */
}

/* It runs anywhere if that is not possible. */
static void pin(struct thread_pool *p, unsigned int i)
{
	int error = cpu_affinity_set(p->threads[i].id, i);

	if (error)
		log_error("warning: data thread %u does not stay on one CPU: %s", i, strerror(-error));
}

int threads_start(struct thread_pool *p)
{
	pthread_attr_t a;
	int error;

	if (p->n == 0)
		return 0;
	tunnel_set_yield(yield_cpu);
	error = pthread_attr_init(&a);
	if (error)
		return -error;
	error = pthread_attr_setstacksize(&a, THREADS_STACK_BYTES);
	while (!error && p->n_started < p->n) {
		struct data_thread *t = &p->threads[p->n_started];
		error = pthread_create(&t->id, &a, thread_main, t);
		if (!error && p->is_pinned)
			pin(p, p->n_started);
		p->n_started += !error;
	}
	pthread_attr_destroy(&a);
	for (unsigned int i = 0; i < p->n_started; i++)
		while (sem_wait(&p->started) != 0 && errno == EINTR)
			;
	return -error;
}

static void close_events(struct thread_pool *p)
{
	const int fds[] = { p->epoll, p->stop, p->wake, p->parallel.wake };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void threads_free(struct thread_pool *p)
{
	static const uint64_t one = 1;

	if (p->n == 0)
		return;
	if (p->n_started > 0 && write(p->stop, &one, sizeof one) < 0)
		unreachable(); /* nothing else writes to it */
	for (unsigned int i = 0; i < p->n_started; i++)
		pthread_join(p->threads[i].id, NULL);
	for (unsigned int i = 0; p->threads && i < p->n; i++)
		worker_free(p->threads[i].worker);
	free(p->threads);
	mailbox_free(&p->shared.udp_mail);
	mailbox_free(&p->shared.tun_mail);
	close_events(p);
	p->n = p->n_started = 0;
}

/* ---- changes ---- */

void threads_publish_begin(struct thread_pool *p)
{
	if (p->n > 0 && p->publish_depth++ == 0)
		brlock_write_lock(&p->shared.tunnel_lock);
}

void threads_publish_end(struct thread_pool *p)
{
	if (p->n == 0)
		return;
	assert(p->publish_depth > 0);
	if (--p->publish_depth == 0)
		brlock_write_unlock(&p->shared.tunnel_lock);
}

void threads_pause(struct thread_pool *p)
{
	if (p->n > 0)
		brlock_write_lock(&p->source_lock);
}

void threads_resume(struct thread_pool *p)
{
	if (p->n > 0)
		brlock_write_unlock(&p->source_lock);
}

int threads_set_source(struct thread_pool *p, enum threads_source source, int fd)
{
	struct packet_source *s = &p->sources[source];
	int before = s->fd, error = 0;

	assert(p->source_lock.has_writer && sequencer_is_idle(sequencer_of(p, source)));
	s->generation++;
	s->fd = fd;
	if (fd >= 0)
		error = arm(p, source, fd == before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
	if (error == -ENOENT) /* it was disarmed */
		error = arm(p, source, EPOLL_CTL_ADD);
	if (!error && before >= 0 && before != fd)
		(void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, before, NULL);
	if (!error)
		atomic_store(&s->is_offered, false); /* it is armed now, or closed */
	if (error) {
		s->generation--;
		s->fd = before;
	}
	return error;
}

uint64_t threads_cpu_ns(const struct thread_pool *p, unsigned int i)
{
	struct timespec t;
	clockid_t clock;

	if (i >= p->n_started || pthread_getcpuclockid(p->threads[i].id, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

bool threads_test_clear_tun_failed(struct thread_pool *p)
{
	return atomic_exchange(&p->tun_failed, false);
}
