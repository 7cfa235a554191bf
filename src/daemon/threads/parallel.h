/* Parallel computation for the control thread: the X25519 multiplications of handshakes, which take nearly all of their CPU
 * time. Control divides those of a batch into pieces, and data threads that have no packets to process compute some of them:
 * an independent computation, which reads and writes nothing of the tunnel. A data thread looks for packets after each piece,
 * so packets wait for one piece at most, and control computes the pieces that no other thread has claimed. Handshakes thus use
 * CPU time that data leaves free, and take none from data. */
#ifndef DAEMON_PARALLEL_H
#define DAEMON_PARALLEL_H

#include <stdatomic.h>
#include "proto/tunnel.h"

enum {
	PARALLEL_PIECE = 8, /* jobs: as many as the widest implementation of X25519 has lanes */
	PARALLEL_JOBS_MAX = UINT16_MAX,
};

struct parallel { /* zeroed but for wake: no batch */
	/* The number of the batch in the upper half, then how many of its jobs are claimed, then how many it has. The thread that
	 * increases the middle part owns the jobs in between; one that is late finds another number and claims nothing. */
	_Alignas(64) _Atomic uint64_t claims;
	_Atomic(wg_compute_fn *) compute; /* of control; this and jobs are written before `claims` */
	_Atomic(void *) jobs;
	_Alignas(64) _Atomic uint32_t n_done; /* jobs of this batch */
	int wake; /* eventfd(2) in the threads' epoll set, edge-triggered: each write wakes one */
};

/* Control: computes n jobs, at most PARALLEL_JOBS_MAX; n_waiting: threads that wait for events. Returns when all are done, and
 * no other thread uses them. */
void parallel_run(struct parallel *p, wg_compute_fn *compute, void *jobs, size_t n, const _Atomic uint32_t *n_waiting);
/* The same in two steps, for tests. */
void parallel_begin(struct parallel *p, wg_compute_fn *compute, void *jobs, size_t n);
void parallel_finish(struct parallel *p);

/* Any thread: computes one piece and returns how many jobs it has; 0: none is left. */
size_t parallel_help(struct parallel *p);
/* Any thread, sequentially consistent with parallel_begin(). */
bool parallel_jobs_are_left(const struct parallel *p);

#endif
