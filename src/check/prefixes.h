/* Prefixes with an owner: which of them contains an address. */
#ifndef WG_CHECK_PREFIXES_H
#define WG_CHECK_PREFIXES_H

#include "base/addr.h"

struct prefix_of {
	struct ip_prefix prefix;
	uint32_t owner, order; /* order: in the file */
};

/* By family, address, length, and order. */
int prefix_of_compare(const void *a, const void *b);

/* A zeroed table is empty. */
struct prefix_table {
	struct prefix_of *list; /* sorted; of equal prefixes, the last one; owned */
	size_t n;
	bool has[2][129]; /* IPv4, IPv6: a prefix of this length */
};
/* False: out of memory. */
must_check bool prefix_table_build(struct prefix_table *t, const struct prefix_of *list, size_t n);
void prefix_table_free(struct prefix_table *t);
/* The longest prefix of at most `bits` bits that contains the address; or null. */
const struct prefix_of *prefix_table_find(const struct prefix_table *t, const struct ip_addr *a, unsigned int bits);

#endif
