/* Allowed IPs, the cryptokey routing table (whitepaper section 2): which peer owns an address, by
 * longest-prefix match, and the prefixes of each peer in the order they were added. Changed by
 * control inside publish; routes_find and routes_find_many also run in reader sections. */
#ifndef WG_ROUTES_H
#define WG_ROUTES_H

#include "trie.h"

struct routes_owner { /* embedded in a peer; zeroed: owns no prefix */
	uint32_t first, last; /* list of routes, by number; 0: empty */
};

struct routes { /* the allowed IPs of all peers; zeroed: empty */
	struct trie_roots tries;
	struct route *all; /* owned, by number - 1; control half only */
	uint32_t cap, used, free;
};

/* The owner of the longest prefix that contains the address; null: no peer has it among its allowed IPs. address: 4 or
 * 16 bytes, by family. */
static inline struct routes_owner *routes_find(const struct routes *r, enum ip_family family,
					       const uint8_t *address)
{
	return trie_lookup(&r->tries, family, address);
}

/* The same for up to ROUTE_QUERIES_MAX addresses at once. */
static inline void routes_find_many(const struct routes *r, struct route_query *queries, size_t n)
{
	trie_lookup_many(&r->tries, queries, n);
}

/* Allocates space for `more` routes; no look-up sees it. False: out of memory. */
must_check bool routes_reserve(struct routes *r, size_t more);
/* Makes the owner own the prefix, as its newest, even if another owner has it. False: out of memory,
 * and nothing changed. */
must_check bool routes_add(struct routes *r, struct routes_owner *owner,
			   const struct ip_prefix *prefix);
/* Removes exactly this prefix if the owner has it; returns whether it did. */
bool routes_remove(struct routes *r, struct routes_owner *owner, const struct ip_prefix *prefix);
void routes_remove_all(struct routes *r, struct routes_owner *owner);

/* The prefix of the owner after route number `after` (0: the first). Returns its number; 0: there
 * are no more. */
uint32_t routes_next(const struct routes *r, const struct routes_owner *owner, uint32_t after,
		     struct ip_prefix *out);

void routes_free(struct routes *r);

#endif
