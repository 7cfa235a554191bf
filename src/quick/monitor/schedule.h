/* When a tunnel is inspected and repaired: soon after an event, at most once a second, and never while another process works on
 * it. Times are milliseconds of one clock that also counts while the host is suspended. */
#ifndef WG_QUICK_SCHEDULE_H
#define WG_QUICK_SCHEDULE_H

#include "base/base.h"

#define SCHEDULE_SETTLE_MS 20ull    /* a program that changes one thing often changes several */
#define SCHEDULE_INTERVAL_MS 1000ull
#define SCHEDULE_RETRY_MAX_MS 60000ull

/* A zeroed struct: nothing is due. */
struct schedule {
	uint64_t due_ms;      /* 0: no inspection is wanted */
	uint64_t started_ms;  /* the last one; 0: none yet */
	uint64_t retry_ms;    /* how long to wait after a failure, doubled each time */
	bool running;
	bool waits_for_lock;  /* another process holds the lock of the tunnel; the retry covers a lock whose end is not seen */
};

/* An event: something may be missing. */
void schedule_want(struct schedule *s, uint64_t now_ms);
/* When schedule_start() is to be called; NEVER. */
uint64_t schedule_next(const struct schedule *s);
void schedule_start(struct schedule *s, uint64_t now_ms);

enum schedule_result {
	SCHEDULE_DONE,   /* nothing is missing any more, or what is left is left alone */
	SCHEDULE_LOCKED, /* another process holds the lock */
	SCHEDULE_FAILED, /* to be tried again */
};
void schedule_end(struct schedule *s, enum schedule_result result, uint64_t now_ms);
/* The lock of the tunnel was released. */
void schedule_unlocked(struct schedule *s, uint64_t now_ms);

#endif
