/* The replay window: which counters were accepted. */
#include "replay.h"

#include <assert.h>

enum { WORDS = REPLAY_BITS / 64 };

/* Clears the words between that of the greatest counter and that of `counter`, which becomes the
 * greatest. */
static void advance(struct wg_replay *r, uint64_t counter)
{
	uint64_t from = r->next ? (r->next - 1) / 64 : 0, to = counter / 64;
	uint64_t n = to - from;

	if (n > WORDS)
		n = WORDS;
	for (uint64_t i = 0; i < n; i++)
		r->words[(to - i) % WORDS] = 0;
	r->next = counter + 1;
}

bool replay_accept(struct wg_replay *r, uint64_t counter)
{
	uint64_t bit = 1ull << counter % 64, *word = &r->words[counter / 64 % WORDS];

	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	if (counter >= r->next) {
		advance(r, counter);
		assert(!(*word & bit)); /* no counter beyond the greatest is marked as seen */
	} else if (r->next - 1 - counter > REPLAY_WINDOW) {
		return false;
	}
	if (*word & bit)
		return false;
	*word |= bit;
	assert(r->next > counter && r->next <= REJECT_AFTER_MESSAGES);
	return true;
}

bool replay_is_valid(const struct wg_replay *r)
{
	uint64_t last = r->next - 1, any = 0;

	if (r->next > REJECT_AFTER_MESSAGES)
		return false;
	if (r->next > 0)
		return r->words[last / 64 % WORDS] >> last % 64 == 1; /* the greatest, and none beyond */
	for (size_t i = 0; i < WORDS; i++)
		any |= r->words[i];
	return any == 0;
}
