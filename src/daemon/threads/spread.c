/* The busiest socket, compared with all of them. */
#include "spread.h"

enum {
	PARTS = 6,       /* with n sockets, the busiest has at most 2/n of all packets… */
	PARTS_OF_TWO = 8, /* … and 3/4 of them */
};

bool spread_is_even(const uint64_t *received, unsigned int n, bool before)
{
	uint64_t sum = 0, most = 0, limit = 3 * n > PARTS_OF_TWO ? 3 * n : PARTS_OF_TWO;

	for (unsigned int i = 0; i < n; i++) {
		sum += received[i];
		if (received[i] > most)
			most = received[i];
	}
	if (n < 2)
		return false;
	if (sum < SPREAD_LEAST)
		return before;
	return before ? most * limit * 7 / 8 <= sum * PARTS : most * limit <= sum * PARTS;
}
