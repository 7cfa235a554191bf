/* Parallel computation for the control thread: pieces of a batch of jobs, which any thread may claim. */
#include "parallel.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "daemon/process/log.h"

static uint16_t n_of(uint64_t claims)
{
	return (uint16_t)claims;
}

static uint16_t claimed_of(uint64_t claims)
{
	return (uint16_t)(claims >> 16);
}

static uint64_t with_claimed(uint64_t claims, size_t claimed)
{
	return (claims & ~((uint64_t)UINT16_MAX << 16)) | (uint64_t)claimed << 16;
}

void parallel_begin(struct parallel *p, wg_compute_fn *compute, void *jobs, size_t n)
{
	uint64_t before = atomic_load_explicit(&p->claims, memory_order_relaxed);

	assert(n <= PARALLEL_JOBS_MAX && claimed_of(before) == n_of(before));
	atomic_store_explicit(&p->compute, compute, memory_order_relaxed);
	atomic_store_explicit(&p->jobs, jobs, memory_order_relaxed);
	atomic_store_explicit(&p->n_done, 0, memory_order_relaxed);
	atomic_store(&p->claims, ((before >> 32) + 1) << 32 | n); /* publishes them, and the jobs */
}

bool parallel_jobs_are_left(const struct parallel *p)
{
	uint64_t claims = atomic_load(&p->claims);

	return claimed_of(claims) < n_of(claims);
}

size_t parallel_help(struct parallel *p)
{
	uint64_t claims = atomic_load(&p->claims);

	while (claimed_of(claims) < n_of(claims)) {
		wg_compute_fn *compute = atomic_load_explicit(&p->compute, memory_order_relaxed);
		void *jobs = atomic_load_explicit(&p->jobs, memory_order_relaxed);
		size_t first = claimed_of(claims), n = n_of(claims) - first;

		if (n > PARALLEL_PIECE)
			n = PARALLEL_PIECE;
		/* The number of the batch has not changed, so compute and jobs are of it. It ends when all jobs have been counted below. */
		if (!atomic_compare_exchange_weak(&p->claims, &claims, with_claimed(claims, first + n)))
			continue;
		compute(jobs, first, n);
		(void)atomic_fetch_add_explicit(&p->n_done, (uint32_t)n, memory_order_release);
		return n;
	}
	return 0;
}

void parallel_finish(struct parallel *p)
{
	uint32_t n = n_of(atomic_load_explicit(&p->claims, memory_order_relaxed));

	while (parallel_help(p) > 0)
		;
	while (atomic_load_explicit(&p->n_done, memory_order_acquire) < n)
		(void)sched_yield(); /* a piece takes less than a millisecond; its thread may have been preempted */
}

/* One thread for each further piece. */
static void wake_threads(const struct parallel *p, size_t n, uint32_t n_waiting)
{
	static const uint64_t one = 1;
	size_t further = (n - 1) / PARALLEL_PIECE;

	for (size_t i = 0; i < further && i < n_waiting; i++)
		if (write(p->wake, &one, sizeof one) < 0 && errno != EAGAIN) /* full: it wakes nobody, and control goes on alone */
			log_verbose("cannot wake a data thread: %s", strerror(errno));
}

void parallel_run(struct parallel *p, wg_compute_fn *compute, void *jobs, size_t n, const _Atomic uint32_t *n_waiting)
{
	if (n <= PARALLEL_PIECE) {
		compute(jobs, 0, n);
		return;
	}
	parallel_begin(p, compute, jobs, n);
	wake_threads(p, n, atomic_load(n_waiting));
	parallel_finish(p);
}
