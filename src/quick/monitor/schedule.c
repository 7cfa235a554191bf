/* When a tunnel is inspected. */
#include "schedule.h"

static void set_due(struct schedule *s, uint64_t at_ms)
{
	uint64_t earliest = s->started_ms ? s->started_ms + SCHEDULE_INTERVAL_MS : 0;

	if (at_ms < earliest)
		at_ms = earliest;
	if (s->due_ms == 0 || at_ms < s->due_ms)
		s->due_ms = at_ms;
}

void schedule_want(struct schedule *s, uint64_t now_ms)
{
	if (!s->waits_for_lock)
		set_due(s, now_ms + SCHEDULE_SETTLE_MS);
}

uint64_t schedule_next(const struct schedule *s)
{
	return s->running || s->due_ms == 0 ? NEVER : s->due_ms;
}

void schedule_start(struct schedule *s, uint64_t now_ms)
{
	s->running = true;
	s->started_ms = now_ms;
	s->due_ms = 0;
	s->waits_for_lock = false;
}

static uint64_t next_retry(uint64_t retry_ms)
{
	if (retry_ms == 0)
		return SCHEDULE_INTERVAL_MS;
	return 2 * retry_ms < SCHEDULE_RETRY_MAX_MS ? 2 * retry_ms : SCHEDULE_RETRY_MAX_MS;
}

void schedule_end(struct schedule *s, enum schedule_result result, uint64_t now_ms)
{
	s->running = false;
	s->waits_for_lock = result == SCHEDULE_LOCKED;
	if (result == SCHEDULE_DONE) {
		s->retry_ms = 0;
		return;
	}
	s->retry_ms = next_retry(s->retry_ms);
	if (result == SCHEDULE_LOCKED) /* events meanwhile wait as well */
		s->due_ms = 0;
	set_due(s, now_ms + s->retry_ms);
}

void schedule_unlocked(struct schedule *s, uint64_t now_ms)
{
	if (!s->waits_for_lock)
		return;
	s->waits_for_lock = false;
	s->retry_ms = 0;
	schedule_want(s, now_ms);
}
