/* The data threads. All of them wait for the same sources: the queues of the TUN and the UDP sockets for data. The thread
 * that gets an event is the only reader of that source until it arms the source again, or offers it to the others. It does so
 * right after reading a large batch, so that another thread reads and processes the next batch at the same time; otherwise
 * it arms it after its own batch has left. A sequencer for each UDP socket makes batches leave in the order they were read, and one for the TUN
 * those of each peer.
 *
 * The load decides which threads serve a source. While a thread waits for events, sources are armed, and a waiting thread takes
 * the next batch of any source that has one. When all are busy, a source is offered: its own thread continues with it
 * after its batch, which accesses no memory that other threads write. An idle thread looks for sources that others offer
 * before it waits.
 *
 * Control is the thread of the event loop: it processes handshakes, timers and configuration, and makes every
 * change to the tunnel. Functions here are for the control thread unless noted. */
#ifndef DAEMON_THREADS_H
#define DAEMON_THREADS_H

#include <semaphore.h>
#include "brlock.h"
#include "parallel.h"
#include "worker.h"

enum {
	THREADS_MAX = 64,
	THREADS_DEFAULT_MAX = 8,
	THREADS_STACK_BYTES = 256 << 10,
	THREADS_REARM_PACKETS = 64, /* after a batch of so many, a source is armed before the batch is processed */
	THREADS_REARM_BYTES = 128 << 10,/* likewise, of packets from the TUN */
	THREADS_IN_FLIGHT_MAX = 6,  /* batches of a source; the replay window bounds how far they may diverge */
	THREADS_UDP_MAIL_BYTES = 256 << 10,
	THREADS_SPREAD_MS = 1000,   /* how often it is judged whether many peers send (spread.h) */
	THREADS_SPREAD_HOLD_MS = 10000, /* after a change, for which flows move to other queues */
	THREADS_TUN_MAIL_BYTES = 8 << 20, /* what peers may fill of it is bounded (tunnel_queue_emptied) */
};

enum threads_source {
	THREADS_UDP_V4, THREADS_UDP_V6, /* the first sockets for data; the pairs of the others follow */
	THREADS_TUN = 2 * UDP_DATA_MAX, /* its first queue; the others follow */
	THREADS_SOURCES = THREADS_TUN + TUN_QUEUES_MAX
};

struct packet_source { /* its own cache line */
	_Alignas(64) int fd; /* -1: none. Written by control while the threads are paused */
	uint32_t generation; /* likewise; part of each event, so that events of an earlier descriptor are ignored */
	_Atomic bool is_offered;     /* not armed: the thread that clears it is the only reader */
	_Atomic uint64_t n_received; /* datagrams; written by the only reader */
};

struct data_thread {
	struct brlock_reader source_reader; /* held while the thread uses descriptors and tickets */
	struct thread_pool *pool;           /* constant */
	struct worker *worker;              /* owned; used by its thread */
	unsigned int number;                /* constant; its sources are those with this number modulo the threads */
	unsigned int next_own;              /* owned by the thread: of its sources, the one to look at first */
	bool looks_for_events;              /* likewise: before it goes on with a source that it offered */
	pthread_t id;
};

struct thread_pool {
	unsigned int n;              /* constant. 0: no data threads, control does everything */
	bool is_pinned;              /* each thread stays on one CPU; set before they start */
	unsigned int n_started;      /* owned by control */
	struct data_thread *threads; /* owned */
	struct worker_shared shared;
	struct brlock source_lock;   /* readers use the sources, the writer changes them */
	sem_t started;               /* posted by each thread when it runs */
	struct packet_source sources[THREADS_SOURCES]; /* written under source_lock */
	struct sequencer sequencers[THREADS_TUN + 1];  /* the queues of the TUN share the last one */
	struct departure departures[SEQUENCER_TICKETS]; /* of the queues of the TUN */
	_Alignas(64) _Atomic uint32_t n_waiting; /* threads that wait for events, or are about to */
	struct parallel parallel;    /* X25519 of control's handshakes */
	_Alignas(64) _Atomic uint64_t judge_ns;  /* when the spread is judged again; NEVER: a thread does so */
	uint64_t n_judged[UDP_DATA_MAX];         /* the sums of worker_counters.opened at that time; owned by that thread */
	int epoll;                   /* one set for all threads */
	int stop;                    /* eventfd(2): the threads are to end */
	int wake;                    /* eventfd(2): control has something to do */
	unsigned int publish_depth;  /* owned by control: nested publications */
	_Atomic bool is_woken;       /* `wake` was written and control has not cleared it yet */
	_Atomic bool tun_failed;     /* set by threads when the TUN reports an error; it is no longer read */
	struct wg_tunnel *tunnel;    /* this and the rest belong to the daemon; constant */
	struct tun *tun;
	struct udp *udp;
	struct icmp *icmp;
};

/* The default number of threads: half of the CPUs that the process may use (cpu_quota.h), 1 to THREADS_DEFAULT_MAX. */
unsigned int threads_default(void);

/* How many queues of the TUN are useful for so many threads. */
unsigned int threads_tun_queues(unsigned int n);

/* n data threads, 0 to THREADS_MAX, which do not run yet. The pool is zeroed but for the pointers of the
 * daemon. 0 or -errno; threads_free in either case. */
must_check int threads_init(struct thread_pool *p, unsigned int n);
/* 0 or -errno. All threads run when it returns: libc needs more system calls while a thread starts than later,
 * when a filter may forbid them. */
must_check int threads_start(struct thread_pool *p);
void threads_free(struct thread_pool *p); /* ends the threads; a zeroed pool may be freed */

/* A publication: no thread is in a reader section of the tunnel. Nests. */
void threads_publish_begin(struct thread_pool *p);
void threads_publish_end(struct thread_pool *p);

/* While paused, no thread uses a descriptor or holds a ticket. */
void threads_pause(struct thread_pool *p);
void threads_resume(struct thread_pool *p);
/* While paused: makes fd (-1: none) the descriptor of this source. 0, or -errno and nothing changes. */
must_check int threads_set_source(struct thread_pool *p, enum threads_source source, int fd);

/* When `wake` is readable. */
void threads_clear_wake(struct thread_pool *p);
/* Processes mail of the threads with control's worker, packets only after their batch has left. False: there is
 * more. */
bool threads_collect_mail(struct thread_pool *p, struct worker *control);
uint64_t threads_cpu_ns(const struct thread_pool *p, unsigned int i); /* CPU time of a thread; 0: not known */
bool threads_tun_mail_is_empty(struct thread_pool *p);
/* Whether the TUN has reported an error since the last call. The source must be set again then. */
bool threads_test_clear_tun_failed(struct thread_pool *p);

#endif
