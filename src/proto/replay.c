/* The replay window. */
#include "replay.h"

enum { WORDS = REPLAY_BITS / 64 };

/* Empties the words between the one the greatest counter lies in and the one `counter` lies in. */
static void move_on(struct wg_replay *r, uint64_t counter)
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
	if (counter >= r->next)
		move_on(r, counter);
	else if (r->next - 1 - counter > REPLAY_WINDOW)
		return false;
	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}
