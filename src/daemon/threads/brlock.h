/* Big-reader lock: every reader has its own mutex, and the writer takes all of them. As long as there is no
 * writer, a reader writes only to its own cache line. The lock is fair to both sides: readers that lock it
 * again and again do not starve the writer, and readers that waited for the writer enter before it can lock
 * again. */
#ifndef DAEMON_BRLOCK_H
#define DAEMON_BRLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/base.h"

struct brlock_reader {
	_Alignas(64) pthread_mutex_t mutex; /* held by the reader's thread or by the writer */
	bool is_inside;                     /* written by the reader's thread, under mutex */
	struct brlock *lock;                /* constant */
	struct brlock_reader *next;         /* constant once threads run */
};

struct brlock {
	pthread_mutex_t mutex;
	pthread_cond_t unlocked;       /* the writer has left */
	pthread_cond_t admitted;       /* no reader is waiting */
	unsigned int n_waiting;        /* readers; under mutex */
	_Atomic bool has_writer;       /* written under mutex, read by readers without it */
	struct brlock_reader *readers; /* constant once threads run */
};

/* Both return false if the system has no memory for the mutex. All readers are added before the lock is used. */
must_check bool brlock_init(struct brlock *l);
must_check bool brlock_add_reader(struct brlock *l, struct brlock_reader *r);

/* Each reader is used by one thread only; not recursive. */
void brlock_read_lock(struct brlock_reader *r);
void brlock_read_unlock(struct brlock_reader *r);

/* Used by one thread only; not recursive. When brlock_write_lock returns, no reader is inside. */
void brlock_write_lock(struct brlock *l);
void brlock_write_unlock(struct brlock *l);

#endif
