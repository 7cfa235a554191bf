/* Work in a child process, which does not block the event loop while it waits, and whose memory is freed when it exits. */
#ifndef WG_QUICK_JOB_H
#define WG_QUICK_JOB_H

#include "base/vector.h"
#include "event_loop.h"

enum { JOB_OUTPUT_MAX = 64 * 1024, JOB_LIMIT_S = 120 };

/* Returns the exit status, 0 to 255, and appends the output. */
typedef int job_work(void *ctx, struct text *output);

struct job {
	struct event_source source;
	struct event_loop *loop;
	int pid;            /* 0: not running */
	struct text output; /* owned, until the next start */
	void *owner;
	void (*done)(struct job *j, int status); /* status: of job_work, or -1 when the process was killed */
	struct job *next_discarded;
};
/* Null: out of memory. */
struct job *job_new(void *owner, void (*done)(struct job *j, int status));
bool job_is_running(const struct job *j);
/* Starts it. The process ends after JOB_LIMIT_S at the latest. 0 or -errno. */
must_check int job_start(struct job *j, struct event_loop *l, job_work *work, void *ctx);
/* The job is not the caller's any more. One that is running goes on, and the event loop frees it at its end, without a result:
 * nothing waits for it. */
void job_discard(struct job *j);

#endif
