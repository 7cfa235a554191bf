/* Which counters of one direction of a session have been seen (RFC 6479): a ring of bits, of which
 * whole words are cleared as the greatest counter moves on. */
#ifndef WG_REPLAY_H
#define WG_REPLAY_H

#include "base/base.h"

#define REJECT_AFTER_MESSAGES (UINT64_MAX - (1ull << 13)) /* 2^64 - 2^13 - 1: not used any more */

enum {
	REPLAY_BITS = 8192,
	REPLAY_WINDOW = REPLAY_BITS - 64, /* 8128: the word being filled is not history yet */
};

struct wg_replay { /* zeroed: nothing seen */
	uint64_t next; /* greatest accepted counter + 1 */
	uint64_t words[REPLAY_BITS / 64];
};

/* True, and the counter is remembered, when it is new and not older than the window. Call only for
 * packets that have been authenticated. */
must_check bool replay_accept(struct wg_replay *r, uint64_t counter);

#endif
