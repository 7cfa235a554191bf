/* Whether a userspace daemon answers. It is queried periodically, and hangs if it fails to answer twice in a row. Times are
 * milliseconds of one clock. */
#ifndef WG_QUICK_DAEMON_WATCH_H
#define WG_QUICK_DAEMON_WATCH_H

#include "base/base.h"

#define DAEMON_ASK_INTERVAL_MS 30000ull /* at multiples of it, so that all daemons cost one wake-up */
#define DAEMON_ANSWER_LIMIT_MS 10000ull
enum { DAEMON_SILENCES = 2 };

struct daemon_watch {
	uint64_t ask_at_ms;
	uint64_t answer_by_ms; /* NEVER: it is not being asked */
	unsigned int silences; /* in a row */
};
enum daemon_watch_action {
	DAEMON_WAIT,
	DAEMON_ASK,  /* now, in place of a question that is still open */
	DAEMON_HUNG, /* it is to be replaced; it is not asked any more until the next start */
};

void daemon_watch_start(struct daemon_watch *w, uint64_t now_ms);
/* When daemon_watch_due() is to be called; NEVER. */
uint64_t daemon_watch_next(const struct daemon_watch *w);
enum daemon_watch_action daemon_watch_due(struct daemon_watch *w, uint64_t now_ms);
void daemon_watch_answered(struct daemon_watch *w, uint64_t now_ms);
/* The question could not be asked, for a reason that is not the daemon's: no silence of it. */
void daemon_watch_not_asked(struct daemon_watch *w, uint64_t now_ms);

#endif
