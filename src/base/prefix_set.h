/* Sets of addresses, as the fewest prefixes. */
#ifndef WG_PREFIX_SET_H
#define WG_PREFIX_SET_H

#include "addr.h"

/* A zeroed set is empty. */
struct prefix_set {
	struct ip_prefix *list; /* owned */
	size_t n, cap;
};
void prefix_set_free(struct prefix_set *s);

/* Appends a prefix; prefix_set_normalize() must follow before any of the functions below. False: out of memory. */
must_check bool prefix_set_append(struct prefix_set *s, const struct ip_prefix *p);
/* Sorts by family and address, and leaves the fewest prefixes with the same addresses. */
void prefix_set_normalize(struct prefix_set *s);
must_check bool prefix_set_copy(struct prefix_set *out, const struct prefix_set *s); /* false: out of memory */

/* All addresses of p are in the set. */
bool prefix_set_covers(const struct prefix_set *s, const struct ip_prefix *p);
/* Any address of p is in the set. */
bool prefix_set_overlaps(const struct prefix_set *s, const struct ip_prefix *p);
/* It is one of the set's prefixes. */
bool prefix_set_has(const struct prefix_set *s, const struct ip_prefix *p);
bool prefix_set_equal(const struct prefix_set *a, const struct prefix_set *b);

/* Appends to `out` the fewest prefixes that have all addresses of p that are not in `without`, in ascending order: p itself
 * where none is. False: out of memory. */
must_check bool prefix_set_subtract(struct prefix_set *out, const struct ip_prefix *p, const struct prefix_set *without);

#endif
