/* Settings that another program keeps changing. */
#include "fights.h"

static const struct fight_thing *find(const struct fights *f, uint64_t id)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->things[i].id == id)
			return &f->things[i];
	return NULL;
}

static uint64_t last_of(const struct fight_thing *t)
{
	return t->paused_until_ms ? t->paused_until_ms : t->times_ms[FIGHT_REPAIRS - 1];
}

static struct fight_thing *find_or_add(struct fights *f, uint64_t id)
{
	size_t at = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->things[i].id == id)
			return &f->things[i];
		if (last_of(&f->things[i]) < last_of(&f->things[at]))
			at = i;
	}
	if (f->n < FIGHT_THINGS)
		at = f->n++;
	f->things[at] = (struct fight_thing){ .id = id };
	return &f->things[at];
}

bool fights_note(struct fights *f, uint64_t id, uint64_t now_ms, uint64_t pause_ms)
{
	struct fight_thing *t = find_or_add(f, id);

	if (t->paused_until_ms)
		return false;
	memmove(&t->times_ms[0], &t->times_ms[1], (FIGHT_REPAIRS - 1) * sizeof t->times_ms[0]);
	t->times_ms[FIGHT_REPAIRS - 1] = now_ms;
	if (t->times_ms[0] == 0 || now_ms - t->times_ms[0] > FIGHT_WITHIN_MS)
		return false;
	t->paused_until_ms = now_ms + pause_ms;
	return true;
}

bool fights_is_paused(const struct fights *f, uint64_t id, uint64_t now_ms)
{
	const struct fight_thing *t = find(f, id);

	return t && t->paused_until_ms > now_ms;
}

uint64_t fights_next(const struct fights *f)
{
	uint64_t next = NEVER;

	for (size_t i = 0; i < f->n; i++)
		if (f->things[i].paused_until_ms && f->things[i].paused_until_ms < next)
			next = f->things[i].paused_until_ms;
	return next;
}

bool fights_end(struct fights *f, uint64_t now_ms)
{
	bool ended = false;

	for (size_t i = 0; i < f->n; i++) {
		struct fight_thing *t = &f->things[i];
		if (!t->paused_until_ms || t->paused_until_ms > now_ms)
			continue;
		*t = (struct fight_thing){ .id = t->id };
		ended = true;
	}
	return ended;
}
