/* A reference implementation of the allowed-IPs table: a list that is searched from end to end. */
#ifndef TESTS_SLOW_ROUTES_H
#define TESTS_SLOW_ROUTES_H

#include "base/addr.h"

struct slow_route {
	struct ip_prefix prefix;
	const void *owner;
};

struct slow_routes { /* zeroed: empty. In the order of addition or of the last move */
	struct slow_route *all; /* owned */
	size_t n, cap;
};

void slow_routes_add(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix);
bool slow_routes_remove(struct slow_routes *r, const void *owner, const struct ip_prefix *prefix);
void slow_routes_remove_all(struct slow_routes *r, const void *owner);
const void *slow_routes_find(const struct slow_routes *r, const struct ip_addr *a);
void slow_routes_free(struct slow_routes *r);

#endif
