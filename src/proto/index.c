/* The table of receiver indices. An index is random, so it serves as its own hash. */
#include "index.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 16 };

const struct index_slot *index_find(const struct index_table *t, uint32_t index)
{
	if (!t->slots)
		return NULL;
	for (uint32_t i = index & t->mask; t->slots[i].kind != INDEX_FREE; i = (i + 1) & t->mask)
		if (t->slots[i].index == index)
			return &t->slots[i];
	return NULL;
}

bool index_grow(struct index_table *grown, const struct index_table *t, size_t more)
{
	uint32_t slots = t->slots ? t->mask + 1 : 0;

	*grown = (struct index_table){ NULL, 0, 0 };
	if (t->n + more <= slots / 2)
		return true;
	do
		slots = slots ? slots * 2 : FIRST_SLOTS;
	while (t->n + more > slots / 2);
	grown->slots = calloc(slots, sizeof *grown->slots);
	if (!grown->slots)
		return false;
	grown->mask = slots - 1;
	for (uint32_t i = 0; t->slots && i <= t->mask; i++)
		if (t->slots[i].kind != INDEX_FREE)
			index_add(grown, t->slots[i].index, t->slots[i].kind, t->slots[i].object);
	return true;
}

void index_grow_commit(struct index_table *t, struct index_table *grown)
{
	struct index_table old = *t;

	if (!grown->slots)
		return;
	*t = *grown;
	*grown = old;
}

void index_add(struct index_table *t, uint32_t index, enum index_kind kind, void *object)
{
	uint32_t i = index & t->mask;

	assert(t->slots && t->n < t->mask / 2 + 1); /* so every probe ends at a free slot */
	while (t->slots[i].kind != INDEX_FREE) {
		assert(t->slots[i].index != index);
		i = (i + 1) & t->mask;
	}
	t->slots[i] = (struct index_slot){ object, index, (uint8_t)kind };
	t->n++;
}

void index_remove(struct index_table *t, uint32_t index)
{
	const struct index_slot *found = index_find(t, index);
	uint32_t hole, i;

	if (!found)
		return;
	hole = i = (uint32_t)(found - t->slots);
	for (;;) { /* move back entries whose probe passed the hole */
		i = (i + 1) & t->mask;
		if (t->slots[i].kind == INDEX_FREE)
			break;
		if (((i - t->slots[i].index) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct index_slot){ NULL, 0, INDEX_FREE };
	t->n--;
}

void index_free(struct index_table *t)
{
	free(t->slots);
	*t = (struct index_table){ NULL, 0, 0 };
}
