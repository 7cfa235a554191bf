/* Shares of a queue: dynamic thresholds (Choudhury and Hahne, 1998), in rounds. A share belongs to the round in which it
 * was taken, so that a new round needs no visit to every peer. */
#include "share.h"

#define LOAD(x) atomic_load_explicit(x, memory_order_relaxed)
#define STORE(x, value) atomic_store_explicit(x, value, memory_order_relaxed)

bool share_take(struct share_total *total, struct share *mine, uint32_t n, uint32_t part)
{
	uint32_t round = LOAD(&total->round), all = LOAD(&total->used), own = 0;
	uint64_t used = LOAD(&mine->used);

	if (used >> 32 == round)
		own = (uint32_t)used;
	if (n < SHARE_PACKET_BYTES)
		n = SHARE_PACKET_BYTES;
	if (all >= SHARE_TOTAL_BYTES)
		return false;
	if (own > 0 && (all - own >= SHARE_MORE_BYTES || own + n > (SHARE_MORE_BYTES - (all - own)) / part))
		return false;
	STORE(&mine->used, (uint64_t)round << 32 | (own + n));
	STORE(&total->used, all + n);
	return true;
}

void share_next_round(struct share_total *total)
{
	STORE(&total->used, 0);
	atomic_fetch_add_explicit(&total->round, 1, memory_order_relaxed);
}
