/* Repeatable random numbers for the simulator (splitmix64): one seed, many independent streams. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include "base/base.h"

struct rng {
	uint64_t state;
};

static inline uint64_t rng_u64(struct rng *c)
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline struct rng rng_stream(uint64_t seed, uint64_t exchange)
{
	struct rng c = {seed * 0xd1342543de82ef95ull + exchange};

	c.state = rng_u64(&c) ^ exchange << 32;
	return c;
}

/* 0 ≤ result < n; 0 when n is 0. */
static inline uint64_t rng_below(struct rng *c, uint64_t n)
{
	return n == 0 ? 0 : rng_u64(c) % n;
}

static inline bool rng_permille(struct rng *c, uint32_t permille)
{
	return permille != 0 && rng_below(c, 1000) < permille;
}

void rng_bytes(struct rng *c, void *p, size_t n);

#endif
