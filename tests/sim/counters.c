/* The set of all nonces that were used: a hash table of (session, direction, counter). */
#include <stdlib.h>
#include "tap.h"

struct nonce {
	uint64_t counter;
	uint32_t who; /* session * 2 + direction + 1; 0: empty slot */
};

struct counters {
	struct nonce *slots;
	size_t n_slots, used;
};

static struct nonce *find(struct counters *c, uint32_t who, uint64_t counter)
{
	uint64_t h = (counter + (uint64_t)who * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
	size_t at = (h ^ h >> 31) & (c->n_slots - 1);

	while (c->slots[at].who && (c->slots[at].who != who || c->slots[at].counter != counter))
		at = (at + 1) & (c->n_slots - 1);
	return &c->slots[at];
}

static void grow(struct counters *c)
{
	struct nonce *old = c->slots;
	size_t n = c->n_slots;

	c->n_slots = n ? n * 2 : 1024;
	c->slots = calloc(c->n_slots, sizeof *c->slots);
	if (!c->slots)
		abort();
	for (size_t i = 0; i < n; i++)
		if (old[i].who)
			*find(c, old[i].who, old[i].counter) = old[i];
	free(old);
}

struct counters *counters_new(void)
{
	struct counters *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	grow(c);
	return c;
}

void counters_free(struct counters *c)
{
	free(c->slots);
	free(c);
}

bool counters_add(struct counters *c, uint32_t session, bool direction, uint64_t counter)
{
	uint32_t who = session * 2 + direction + 1;

	if (c->used * 2 >= c->n_slots)
		grow(c);
	struct nonce *slot = find(c, who, counter);
	if (slot->who)
		return false;
	*slot = (struct nonce){counter, who};
	c->used++;
	return true;
}
