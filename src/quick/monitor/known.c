/* The addresses and routes of the host that were already seen. */
#include "known.h"

static void remove_at(struct known *k, size_t i)
{
	k->things[i] = k->things[--k->n];
}

static bool is_equal(const struct known_thing *a, const struct known_thing *b)
{
	return a->id == b->id && a->contents == b->contents && a->link == b->link;
}

static void add(struct known *k, const struct known_thing *t)
{
	if (k->n < KNOWN_MAX) {
		k->things[k->n++] = *t;
		return;
	}
	k->things[k->next] = *t;
	k->next = (k->next + 1) % KNOWN_MAX;
}

bool known_note(struct known *k, const struct known_thing *t, bool replaces)
{
	bool was_known = false;

	for (size_t i = k->n; i-- > 0;) {
		if (is_equal(&k->things[i], t))
			was_known = true;
		else if (replaces && k->things[i].id == t->id)
			remove_at(k, i);
	}
	if (!was_known)
		add(k, t);
	return !was_known;
}

bool known_forget(struct known *k, uint64_t id)
{
	bool was_known = false;

	for (size_t i = k->n; i-- > 0;)
		if (k->things[i].id == id) {
			was_known = true;
			remove_at(k, i);
		}
	return was_known;
}

void known_forget_link(struct known *k, uint32_t link)
{
	for (size_t i = k->n; i-- > 0;)
		if (k->things[i].link == link)
			remove_at(k, i);
}
