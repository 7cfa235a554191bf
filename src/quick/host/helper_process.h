/* A process that keeps the privileges that another one gives up, and performs for it the work that needs them or may take long:
 * each request in a separate child process, which is killed at its deadline. */
#ifndef WG_QUICK_HELPER_PROCESS_H
#define WG_QUICK_HELPER_PROCESS_H

#include "base/vector.h"
#include "event_loop.h"

enum { HELPER_TEXT_MAX = 32 * 1024 }; /* of a request, and of its output */

/* Does what a request asks for, in a child process: appends to the output, and returns the exit status, 0 to 255. */
typedef int helper_work(void *ctx, const char *request, struct text *output);

/* A limited number of each kind runs at once; the others wait in order. */
enum helper_kind {
	HELPER_LOOK_UP, /* without capabilities */
	HELPER_TUNNEL,  /* with all rights */
	HELPER_KINDS
};

struct helper_call {
	/* status: of the work, or -1 if it was killed, could not be started, or the helper has ended. The call may be used
	 * again. */
	void (*done)(struct helper_call *c, int status, struct span output);
	uint32_t id; /* 0: nothing is under way */
	struct helper_call *next;
};

struct helper {
	struct event_source source;
	struct event_loop *loop;
	void (*ended)(struct helper *h); /* the process has ended by itself; all calls have failed */
	struct helper_call *calls; /* under way */
	uint32_t last_id;
};
/* h->ended is set. 0 or -errno. */
must_check int helper_start(struct helper *h, struct event_loop *l, helper_work *work, void *ctx);
/* The process ends when what runs for tunnels has ended. */
void helper_stop(struct helper *h);

/* Sends a request, without waiting. limit_s: how long the work may take once it has begun. 0 or -errno: -EAGAIN when too many wait. */
must_check int helper_call(struct helper *h, struct helper_call *c, enum helper_kind kind, unsigned int limit_s, const char *request);
/* The result is no longer wanted; the work continues. */
void helper_forget(struct helper *h, struct helper_call *c);

#endif
