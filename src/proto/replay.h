/* The replay window of one direction of a session (whitepaper section 5.4.6, algorithm of RFC 6479):
 * a ring of bits, one per counter, of which whole words are cleared as the greatest counter
 * advances. */
#ifndef WG_REPLAY_H
#define WG_REPLAY_H

#include "base/base.h"

/* The first counter that is not used: 2^64 - 2^13 - 1 (whitepaper section 6.1). */
#define REJECT_AFTER_MESSAGES (UINT64_MAX - (1ull << 13))

enum {
	REPLAY_BITS = 8192,
	REPLAY_WINDOW = REPLAY_BITS - 64, /* 8128: one word is partly ahead of the greatest counter */
};

struct wg_replay { /* zeroed: no counter was accepted */
	uint64_t next; /* greatest accepted counter + 1; never decreases */
	uint64_t words[REPLAY_BITS / 64];
};

/* True if the counter is new and within the window; it is marked as seen then. Call it for
 * authenticated packets only: a forged counter would move the window. */
must_check bool replay_accept(struct wg_replay *r, uint64_t counter);

/* An invariant that replay_accept assumes of a window that was stored elsewhere: no counter beyond the greatest is marked. */
bool replay_is_valid(const struct wg_replay *r);

#endif
