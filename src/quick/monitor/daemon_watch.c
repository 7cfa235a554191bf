/* Whether a userspace daemon answers. */
#include "daemon_watch.h"

void daemon_watch_start(struct daemon_watch *w, uint64_t now_ms)
{
	*w = (struct daemon_watch){ .ask_at_ms = now_ms, .answer_by_ms = NEVER };
}

uint64_t daemon_watch_next(const struct daemon_watch *w)
{
	return w->answer_by_ms != NEVER ? w->answer_by_ms : w->ask_at_ms;
}

/* A clock that jumps, as after a suspension, counts as one silence. */
enum daemon_watch_action daemon_watch_due(struct daemon_watch *w, uint64_t now_ms)
{
	if (now_ms < daemon_watch_next(w))
		return DAEMON_WAIT;
	if (w->answer_by_ms != NEVER)
		w->silences++;
	if (w->silences >= DAEMON_SILENCES) {
		w->ask_at_ms = w->answer_by_ms = NEVER;
		return DAEMON_HUNG;
	}
	w->answer_by_ms = now_ms + DAEMON_ANSWER_LIMIT_MS;
	return DAEMON_ASK;
}

void daemon_watch_answered(struct daemon_watch *w, uint64_t now_ms)
{
	w->silences = 0;
	daemon_watch_not_asked(w, now_ms);
}

void daemon_watch_not_asked(struct daemon_watch *w, uint64_t now_ms)
{
	w->answer_by_ms = NEVER;
	w->ask_at_ms = (now_ms / DAEMON_ASK_INTERVAL_MS + 1) * DAEMON_ASK_INTERVAL_MS;
}
