/* One X25519 over the field that was included before. Every step does the same whatever the bit. */
#ifndef WG_X25519_SINGLE_H
#define WG_X25519_SINGLE_H

#include "x25519_ladder.h"

static void ladder(uint8_t out[32], const uint8_t k[32], const uint8_t u[32])
{
	fe x1 = fe_load(u);
	struct ladder l = { fe_small(1), fe_small(0), x1, fe_small(1) };
	uint8_t e[32];
	uint64_t swap = 0;

	memcpy(e, k, sizeof e);
	e[0] &= 248;
	e[31] = (uint8_t)((e[31] & 127) | 64);
	for (int t = 254; t >= 0; t--) {
		uint64_t bit = e[t >> 3] >> (t & 7) & 1;
		swap = 0 - (swap ^ bit);
		hide_value(swap); /* stays a mask: no branch on it */
		fe_swap(&l.x2, &l.x3, swap);
		fe_swap(&l.z2, &l.z3, swap);
		swap = bit;
		ladder_step(&l, &x1);
	}
	/* a clamped scalar ends in a zero bit: nothing left to swap */
	fe_store(out, fe_mul(l.x2, fe_invert(l.z2)));
	mem_wipe(&l, sizeof l);
	mem_wipe(e, sizeof e);
}

#endif
