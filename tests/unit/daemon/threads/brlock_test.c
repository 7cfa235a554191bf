/* Big-reader lock: no reader is inside while the writer is, and neither side starves the other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/threads/brlock.h"
#include "../../../lib/aborts.h"

enum { THREADS = 4, WRITES = 2000, READS = 500 };

static struct brlock lock;
static struct brlock_reader readers[THREADS];
static uint64_t published[2]; /* not atomic: readers always see two equal numbers */
static _Atomic uint32_t reads[THREADS];
static _Atomic bool stop;
static _Atomic uint32_t torn;

static void *read_again_and_again(void *ctx)
{
	size_t i = *(const size_t *)ctx;

	while (!stop) {
		brlock_read_lock(&readers[i]);
		if (published[0] != published[1])
			torn++;
		brlock_read_unlock(&readers[i]);
		reads[i]++;
	}
	return NULL;
}

static bool all_have_read(void)
{
	for (int i = 0; i < THREADS; i++)
		if (reads[i] < READS)
			return false;
	return true;
}

static void publish(void)
{
	brlock_write_lock(&lock);
	published[0]++;
	published[1]++;
	brlock_write_unlock(&lock);
}

static void begin(void)
{
	assert_true(brlock_init(&lock));
	for (int i = 0; i < THREADS; i++)
		assert_true(brlock_add_reader(&lock, &readers[i]));
}

/* Both sides do nothing else: with plain locks, one would sleep for as long as the other likes. */
static void neither_side_starves_the_other(void **state)
{
	static const size_t numbers[THREADS] = { 0, 1, 2, 3 };
	pthread_t threads[THREADS];

	(void)state;
	begin();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_again_and_again,
						(void *)(uintptr_t)&numbers[i]), 0);
	for (int n = 0; n < WRITES || !all_have_read(); n++)
		publish();
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(torn, 0);
	assert_int_equal(lock.n_waiting, 0);
}

static void read_lock_twice(void *ctx)
{
	(void)ctx;
	brlock_read_lock(&readers[0]);
	brlock_read_lock(&readers[0]);
}

static void read_unlock_alone(void *ctx)
{
	(void)ctx;
	brlock_read_unlock(&readers[0]);
}

static void write_lock_twice(void *ctx)
{
	(void)ctx;
	brlock_write_lock(&lock);
	brlock_write_lock(&lock);
}

static void write_unlock_alone(void *ctx)
{
	(void)ctx;
	brlock_write_unlock(&lock);
}

static void locking_twice_and_unlocking_alone_abort(void **state)
{
	(void)state;
	begin();
	assert_true(aborts(read_lock_twice, NULL));
	assert_true(aborts(read_unlock_alone, NULL));
	assert_true(aborts(write_lock_twice, NULL));
	assert_true(aborts(write_unlock_alone, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neither_side_starves_the_other),
		cmocka_unit_test(locking_twice_and_unlocking_alone_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
