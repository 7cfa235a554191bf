/* Big-reader lock: an uncontended mutex for each reader, and a slow path through condition variables. */
#include "brlock.h"

#include <assert.h>

bool brlock_init(struct brlock *l)
{
	*l = (struct brlock){ .n_waiting = 0 };
	return pthread_mutex_init(&l->mutex, NULL) == 0 && pthread_cond_init(&l->unlocked, NULL) == 0 &&
	       pthread_cond_init(&l->admitted, NULL) == 0;
}

bool brlock_add_reader(struct brlock *l, struct brlock_reader *r)
{
	*r = (struct brlock_reader){ .lock = l, .next = l->readers };
	if (pthread_mutex_init(&r->mutex, NULL) != 0)
		return false;
	l->readers = r;
	return true;
}

/* ---- readers ---- */

static void wait_for_writer(struct brlock *l, struct brlock_reader *r)
{
	pthread_mutex_lock(&l->mutex);
	l->n_waiting++;
	while (atomic_load(&l->has_writer))
		pthread_cond_wait(&l->unlocked, &l->mutex);
	pthread_mutex_lock(&r->mutex); /* free: without has_writer, the writer holds no reader's mutex */
	assert(l->n_waiting > 0);
	if (--l->n_waiting == 0)
		pthread_cond_signal(&l->admitted);
	pthread_mutex_unlock(&l->mutex);
}

void brlock_read_lock(struct brlock_reader *r)
{
	struct brlock *l = r->lock;

	assert(!r->is_inside);
	if (atomic_load_explicit(&l->has_writer, memory_order_relaxed) ||
	    pthread_mutex_trylock(&r->mutex) != 0)
		wait_for_writer(l, r);
	r->is_inside = true;
}

void brlock_read_unlock(struct brlock_reader *r)
{
	assert(r->is_inside);
	r->is_inside = false;
	pthread_mutex_unlock(&r->mutex);
}

/* ---- the writer ---- */

/* The readers that waited for the previous write lock enter first. */
static void announce_writer(struct brlock *l)
{
	pthread_mutex_lock(&l->mutex);
	assert(!l->has_writer);
	while (l->n_waiting > 0)
		pthread_cond_wait(&l->admitted, &l->mutex);
	atomic_store(&l->has_writer, true);
	pthread_mutex_unlock(&l->mutex);
}

void brlock_write_lock(struct brlock *l)
{
	announce_writer(l);
	for (struct brlock_reader *r = l->readers; r; r = r->next) {
		pthread_mutex_lock(&r->mutex);
		assert(!r->is_inside);
	}
}

void brlock_write_unlock(struct brlock *l)
{
	for (struct brlock_reader *r = l->readers; r; r = r->next) {
		assert(!r->is_inside);
		pthread_mutex_unlock(&r->mutex);
	}
	pthread_mutex_lock(&l->mutex);
	assert(l->has_writer);
	atomic_store(&l->has_writer, false);
	if (l->n_waiting > 0)
		pthread_cond_broadcast(&l->unlocked);
	pthread_mutex_unlock(&l->mutex);
}
