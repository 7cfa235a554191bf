/* The allowed-IPs table as a list. */
#include "slow_routes.h"

#include <stdlib.h>

static void take_out(struct slow_routes *r, size_t i)
{
	memmove(r->all + i, r->all + i + 1, (--r->n - i) * sizeof *r->all);
}

void slow_routes_add(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < r->n; i++) {
		if (prefix_equal(&r->all[i].prefix, prefix)) {
			take_out(r, i);
			break;
		}
	}
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->all = realloc(r->all, r->cap * sizeof *r->all);
		if (!r->all)
			abort();
	}
	r->all[r->n++] = (struct slow_route){ *prefix, owner };
}

bool slow_routes_remove(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->all[i].owner == owner && prefix_equal(&r->all[i].prefix, prefix)) {
			take_out(r, i);
			return true;
		}
	}
	return false;
}

void slow_routes_remove_all(struct slow_routes *r, const void *owner)
{
	for (size_t i = 0; i < r->n;) {
		if (r->all[i].owner == owner)
			take_out(r, i);
		else
			i++;
	}
}

const void *slow_routes_find(const struct slow_routes *r, const struct ip_addr *a)
{
	const struct slow_route *best = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (prefix_contains(&r->all[i].prefix, a) &&
		    (!best || r->all[i].prefix.bits > best->prefix.bits))
			best = &r->all[i];
	return best ? best->owner : NULL;
}

void slow_routes_free(struct slow_routes *r)
{
	free(r->all);
	*r = (struct slow_routes){ 0 };
}
