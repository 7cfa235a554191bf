/* Memory with an unmapped page right before and right behind it, and a seeded stream of bytes. */
#ifndef WG_TESTS_GUARD_H
#define WG_TESTS_GUARD_H

#include "base/base.h"

struct guard {
	uint8_t *start; /* first byte; the byte before is unmapped */
	uint8_t *end;   /* one past the last; unmapped */
	void *map;
	size_t map_n;
};
/* Room for at least n bytes. Ends the test program when there is no memory. */
void guard_init(struct guard *g, size_t n);
void guard_free(struct guard *g);

struct chance {
	uint64_t x; /* the seed, any value */
};
uint64_t chance_u64(struct chance *c);
uint32_t chance_below(struct chance *c, uint32_t n);
void chance_bytes(struct chance *c, void *p, size_t n);

#endif
