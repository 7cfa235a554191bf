/* The routes as a plain list, searched from end to end: so slow and simple that it is right. */
#ifndef TESTS_SLOW_ROUTES_H
#define TESTS_SLOW_ROUTES_H

#include "base/addr.h"

struct slow_route {
	struct ip_prefix prefix;
	const void *owner;
};

struct slow_routes { /* zeroed: empty; in the order they were added or moved */
	struct slow_route *all; /* owned */
	size_t n, cap;
};

void slow_routes_add(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix);
bool slow_routes_remove(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix);
void slow_routes_remove_all(struct slow_routes *r, const void *owner);
const void *slow_routes_find(const struct slow_routes *r, const struct ip_addr *a);
void slow_routes_free(struct slow_routes *r);

#endif
