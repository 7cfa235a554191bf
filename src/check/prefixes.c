/* A sorted array, and a search for each length of prefix that is present. */
#include "prefixes.h"

#include <stdlib.h>

static int compare_prefixes(const void *a, const void *b)
{
	const struct ip_prefix *x = &((const struct prefix_of *)a)->prefix, *y = &((const struct prefix_of *)b)->prefix;
	int family = (int)x->addr.family - (int)y->addr.family;
	int addr = memcmp(x->addr.b, y->addr.b, sizeof x->addr.b);

	return family ? family : addr ? addr : (int)x->bits - (int)y->bits;
}

int prefix_of_compare(const void *a, const void *b)
{
	const struct prefix_of *x = a, *y = b;
	int prefix = compare_prefixes(a, b);

	return prefix ? prefix : x->order < y->order ? -1 : x->order > y->order;
}

bool prefix_table_build(struct prefix_table *t, const struct prefix_of *list, size_t n)
{
	size_t kept = 0;

	*t = (struct prefix_table){ .list = calloc(n + 1, sizeof *t->list) };
	if (!t->list)
		return false;
	if (n > 0) {
		memcpy(t->list, list, n * sizeof *list);
		qsort(t->list, n, sizeof *t->list, prefix_of_compare);
	}
	for (size_t i = 0; i < n; i++) {
		kept -= kept > 0 && prefix_equal(&t->list[kept - 1].prefix, &t->list[i].prefix);
		t->list[kept++] = t->list[i];
		t->has[t->list[i].prefix.addr.family == IP_V6][t->list[i].prefix.bits] = true;
	}
	t->n = kept;
	return true;
}

void prefix_table_free(struct prefix_table *t)
{
	free(t->list);
	*t = (struct prefix_table){ 0 };
}

static const struct prefix_of *search(const struct prefix_table *t, const struct prefix_of *key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_prefixes(&t->list[middle], key);
		if (order == 0)
			return &t->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct prefix_of *prefix_table_find(const struct prefix_table *t, const struct ip_addr *a, unsigned int bits)
{
	const struct prefix_of *found = NULL;
	struct prefix_of key = { .owner = 0 };

	bits = bits < ip_bits(a) ? bits : ip_bits(a);
	for (unsigned int b = bits + 1; b-- > 0 && !found && a->family != IP_NONE;)
		if (t->has[a->family == IP_V6][b] && prefix_make(&key.prefix, a, b))
			found = search(t, &key);
	return found;
}
