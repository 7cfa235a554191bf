/* Parallel computation: each job is computed once, by the thread that claims it, and none after the end of its batch. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/mem.h"
#include "crypto/crypto.h"
#include "daemon/threads/parallel.h"
#include "../../../lib/aborts.h"

enum { JOBS_MAX = 5 * PARALLEL_PIECE, THREADS = 4, ROUNDS = 60 };

static void make_jobs(struct x25519_job *jobs, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		memset(&jobs[i], 0, sizeof jobs[i]);
		for (size_t j = 0; j < sizeof jobs[i].key.b; j++) {
			seed = seed * 1664525 + 1013904223;
			jobs[i].key.b[j] = (uint8_t)(seed >> 24);
			jobs[i].u.b[j] = (uint8_t)(seed >> 16);
		}
		x25519_clamp(&jobs[i].key);
	}
}

static void multiply(void *jobs, size_t first, size_t n)
{
	x25519_batch((struct x25519_job *)jobs + first, n);
}

static void assert_computed(const struct x25519_job *jobs, size_t n, uint32_t seed)
{
	struct x25519_job expected[JOBS_MAX];

	make_jobs(expected, n, seed);
	x25519_batch(expected, n);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(jobs[i].out.b, expected[i].out.b, sizeof expected[i].out.b);
		assert_int_equal(jobs[i].ok, expected[i].ok);
	}
}

static void pieces_are_claimed_in_turn(void **state)
{
	struct parallel d = { .wake = -1 };
	struct x25519_job jobs[2 * PARALLEL_PIECE + 1];

	(void)state;
	assert_false(parallel_jobs_are_left(&d));
	assert_int_equal(parallel_help(&d), 0);
	make_jobs(jobs, ARRAY_LEN(jobs), 1);
	parallel_begin(&d, multiply, jobs, ARRAY_LEN(jobs));
	assert_true(parallel_jobs_are_left(&d));
	assert_int_equal(parallel_help(&d), PARALLEL_PIECE);
	assert_int_equal(parallel_help(&d), PARALLEL_PIECE);
	assert_true(parallel_jobs_are_left(&d));
	assert_int_equal(parallel_help(&d), 1);
	assert_false(parallel_jobs_are_left(&d));
	assert_int_equal(parallel_help(&d), 0);
	parallel_finish(&d);
	assert_computed(jobs, ARRAY_LEN(jobs), 1);
}

static void a_point_of_low_order_is_reported(void **state)
{
	struct parallel d = { .wake = -1 };
	struct x25519_job jobs[PARALLEL_PIECE + 1];

	(void)state;
	make_jobs(jobs, ARRAY_LEN(jobs), 2);
	memset(&jobs[PARALLEL_PIECE].u, 0, sizeof jobs[0].u);
	parallel_begin(&d, multiply, jobs, ARRAY_LEN(jobs));
	parallel_finish(&d);
	assert_true(jobs[0].ok);
	assert_false(jobs[PARALLEL_PIECE].ok);
}

static void begin_again(void *ctx)
{
	static struct x25519_job jobs[PARALLEL_PIECE];

	parallel_begin(ctx, multiply, jobs, ARRAY_LEN(jobs));
	parallel_begin(ctx, multiply, jobs, ARRAY_LEN(jobs));
}

static void a_round_begins_after_the_last_one_has_ended(void **state)
{
	struct parallel d = { .wake = -1 };

	(void)state;
	assert_true(aborts(begin_again, &d));
}

/* As many threads are woken as there are pieces besides control's, and as wait. */
static void wakes_threads_that_wait(void **state)
{
	static const struct { size_t jobs; uint32_t waiting; uint64_t woken; } all[] = {
		{ 1, 3, 0 }, { PARALLEL_PIECE, 3, 0 }, { PARALLEL_PIECE + 1, 3, 1 }, { PARALLEL_PIECE + 1, 0, 0 },
		{ 3 * PARALLEL_PIECE, 9, 2 }, { 5 * PARALLEL_PIECE, 3, 3 },
	};
	struct parallel d = { .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	struct x25519_job jobs[JOBS_MAX];

	(void)state;
	assert_true(d.wake >= 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const _Atomic uint32_t waiting = all[i].waiting;
		uint64_t woken = 0;

		make_jobs(jobs, all[i].jobs, 4);
		parallel_run(&d, multiply, jobs, all[i].jobs, &waiting);
		assert_computed(jobs, all[i].jobs, 4);
		assert_int_equal(read(d.wake, &woken, sizeof woken) > 0 ? woken : 0, all[i].woken);
	}
	close(d.wake);
}

/* ---- with threads that help ---- */

struct helpers {
	struct parallel jobs;
	_Atomic uint64_t n_helped;
	_Atomic bool stop;
};

static void *help(void *ctx)
{
	struct helpers *h = ctx;

	while (!atomic_load(&h->stop)) {
		size_t n = parallel_help(&h->jobs);
		if (n > 0)
			atomic_fetch_add(&h->n_helped, n);
		else
			sched_yield();
	}
	return NULL;
}

/* The jobs of a round are at another place than those of the one before, which is overwritten at once: a thread that is late
 * must not touch either. In the last rounds, control waits until the others have done all. */
static void threads_compute_each_job_once(void **state)
{
	static struct helpers h = { .jobs.wake = -1 };
	struct x25519_job jobs[2][JOBS_MAX];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, help, &h), 0);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct x25519_job *now = jobs[round % 2];
		size_t n = 1 + round * 7 % JOBS_MAX;

		make_jobs(now, n, round);
		parallel_begin(&h.jobs, multiply, now, n);
		while (round > ROUNDS - 4 && parallel_jobs_are_left(&h.jobs))
			sched_yield();
		parallel_finish(&h.jobs);
		assert_computed(now, n, round);
		memset(now, 0, sizeof jobs[0]);
	}
	atomic_store(&h.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&h.n_helped) > 0);
	for (size_t i = 0; i < JOBS_MAX; i++)
		assert_true(mem_is_zero_ct(&jobs[0][i], sizeof jobs[0][i]) && mem_is_zero_ct(&jobs[1][i], sizeof jobs[1][i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_claimed_in_turn),
		cmocka_unit_test(a_point_of_low_order_is_reported),
		cmocka_unit_test(a_round_begins_after_the_last_one_has_ended),
		cmocka_unit_test(wakes_threads_that_wait),
		cmocka_unit_test(threads_compute_each_job_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
