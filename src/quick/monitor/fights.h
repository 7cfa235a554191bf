/* Fights: another program keeps removing a setting that a repair restores. A setting that was restored three times within a
 * minute is left alone for a while. */
#ifndef WG_QUICK_FIGHTS_H
#define WG_QUICK_FIGHTS_H

#include "base/base.h"

enum { FIGHT_REPAIRS = 3, FIGHT_THINGS = 32 };
#define FIGHT_WITHIN_MS 60000ull

/* Recent repairs of one tunnel. A zeroed struct is empty. */
struct fights {
	struct fight_thing {
		uint64_t id;                   /* repair_id() */
		uint64_t times_ms[FIGHT_REPAIRS]; /* of the last repairs, the oldest first; 0: none */
		uint64_t paused_until_ms;      /* 0: not paused */
	} things[FIGHT_THINGS];
	size_t n;
};

/* Notes a repair. True: it was the third within a minute, and the thing is paused
 * from now on. If there are too many
 * things, the one that was repaired longest ago is discarded. */
must_check bool fights_note(struct fights *f, uint64_t id, uint64_t now_ms, uint64_t pause_ms);
bool fights_is_paused(const struct fights *f, uint64_t id, uint64_t now_ms);
/* When the next pause ends: then the thing is looked at again. NEVER: nothing is paused. */
uint64_t fights_next(const struct fights *f);
/* Ends the pauses that are over. True: there were some. */
must_check bool fights_end(struct fights *f, uint64_t now_ms);

#endif
