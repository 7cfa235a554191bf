/* Prefixes that do not overlap, sorted; subtraction by bisection. */
#include "prefix_set.h"

#include <stdlib.h>
#include <string.h>

#include "vector.h"

void prefix_set_free(struct prefix_set *s)
{
	free(s->list);
	*s = (struct prefix_set){ 0 };
}

bool prefix_set_append(struct prefix_set *s, const struct ip_prefix *p)
{
	if (!vector_reserve(&s->list, &s->cap, s->n + 1, sizeof *s->list))
		return false;
	s->list[s->n++] = *p;
	return true;
}

bool prefix_set_copy(struct prefix_set *out, const struct prefix_set *s)
{
	*out = (struct prefix_set){ 0 };
	for (size_t i = 0; i < s->n; i++)
		if (!prefix_set_append(out, &s->list[i]))
			return false;
	return true;
}

static int compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
	int order = (int)a->addr.family - (int)b->addr.family;

	if (order == 0)
		order = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);
	return order ? order : (int)a->bits - (int)b->bits;
}

static int compare_items(const void *a, const void *b)
{
	return compare(a, b);
}

static struct ip_prefix half_of(const struct ip_prefix *p, bool upper)
{
	struct ip_prefix half = *p;

	if (upper)
		half.addr.b[p->bits / 8] |= (uint8_t)(0x80 >> p->bits % 8);
	half.bits++;
	return half;
}

/* The last two are the halves of one prefix, which replaces them. */
static bool join_last(struct prefix_set *s)
{
	struct ip_prefix both, upper;

	if (s->n < 2 || s->list[s->n - 1].bits == 0 || s->list[s->n - 1].bits != s->list[s->n - 2].bits ||
	    !prefix_make(&both, &s->list[s->n - 2].addr, s->list[s->n - 2].bits - 1u))
		return false;
	upper = half_of(&both, true);
	if (!prefix_equal(&upper, &s->list[s->n - 1]) || !ip_equal(&both.addr, &s->list[s->n - 2].addr))
		return false;
	s->n--;
	s->list[s->n - 1] = both;
	return true;
}

void prefix_set_normalize(struct prefix_set *s)
{
	size_t n = s->n;

	if (n > 0)
		qsort(s->list, n, sizeof *s->list, compare_items);
	s->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (s->n > 0 && prefix_covers(&s->list[s->n - 1], &s->list[i]))
			continue;
		s->list[s->n++] = s->list[i];
		while (join_last(s))
			;
	}
}

/* The first prefix that is p or after it. */
static size_t lower_bound(const struct prefix_set *s, const struct ip_prefix *p)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(&s->list[middle], p) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool prefix_set_has(const struct prefix_set *s, const struct ip_prefix *p)
{
	size_t i = lower_bound(s, p);

	return i < s->n && prefix_equal(&s->list[i], p);
}

bool prefix_set_covers(const struct prefix_set *s, const struct ip_prefix *p)
{
	size_t i = lower_bound(s, p);

	return (i < s->n && prefix_equal(&s->list[i], p)) || (i > 0 && prefix_covers(&s->list[i - 1], p));
}

bool prefix_set_overlaps(const struct prefix_set *s, const struct ip_prefix *p)
{
	size_t i = lower_bound(s, p);

	return (i < s->n && prefix_covers(p, &s->list[i])) || (i > 0 && prefix_covers(&s->list[i - 1], p));
}

bool prefix_set_equal(const struct prefix_set *a, const struct prefix_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!prefix_equal(&a->list[i], &b->list[i]))
			return false;
	return true;
}

/* At most 129 calls deep, because the set has a prefix inside p, which ends the division. */
bool prefix_set_subtract(struct prefix_set *out, const struct ip_prefix *p, const struct prefix_set *without)
{
	struct ip_prefix lower, upper;

	if (!prefix_set_overlaps(without, p))
		return prefix_set_append(out, p);
	if (prefix_set_covers(without, p))
		return true;
	lower = half_of(p, false);
	upper = half_of(p, true);
	return prefix_set_subtract(out, &lower, without) && prefix_set_subtract(out, &upper, without);
}
