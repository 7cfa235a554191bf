/* One seed, many streams: small repeatable generators for the simulator (splitmix64). */
#ifndef SIM_CHANCE_H
#define SIM_CHANCE_H

#include "base/base.h"

struct chance {
	uint64_t state;
};

static inline uint64_t chance_u64(struct chance *c)
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline struct chance chance_of(uint64_t seed, uint64_t stream)
{
	struct chance c = {seed * 0xd1342543de82ef95ull + stream};

	c.state = chance_u64(&c) ^ stream << 32;
	return c;
}

/* 0 ≤ result < n; 0 when n is 0. */
static inline uint64_t chance_below(struct chance *c, uint64_t n)
{
	return n == 0 ? 0 : chance_u64(c) % n;
}

static inline bool chance_permille(struct chance *c, uint32_t permille)
{
	return permille != 0 && chance_below(c, 1000) < permille;
}

void chance_bytes(struct chance *c, void *p, size_t n);

#endif
