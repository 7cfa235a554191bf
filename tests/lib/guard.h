/* Buffers between two unmapped pages, and a seeded pseudo-random generator. */
#ifndef WG_TESTS_GUARD_H
#define WG_TESTS_GUARD_H

#include "base/base.h"

struct guard {
	uint8_t *start; /* first byte; the byte before is unmapped */
	uint8_t *end;   /* one past the last; unmapped */
	void *map;
	size_t map_n;
};
/* At least n bytes. Ends the test program if there is no memory. */
void guard_init(struct guard *g, size_t n);
void guard_free(struct guard *g);

struct prng {
	uint64_t x; /* the seed, any value */
};
uint64_t prng_u64(struct prng *c);
uint32_t prng_below(struct prng *c, uint32_t n);
void prng_bytes(struct prng *c, void *p, size_t n);

#endif
