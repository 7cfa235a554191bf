/* The addresses of a prefix without some of them, as prefixes. */
#ifndef WG_PREFIX_SPLIT_H
#define WG_PREFIX_SPLIT_H

#include "addr.h"

/* Writes the fewest prefixes that together have all addresses of p except these n, in ascending order: for one address that
 * is inside p, one prefix for each bit that p leaves open. Addresses outside p have no effect. Returns their number, or
 * cap + 1 if there are more than cap. */
must_check size_t prefix_split(struct ip_prefix out[], size_t cap, const struct ip_prefix *p, const struct ip_addr except[],
			       size_t n);

#endif
