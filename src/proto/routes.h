/* Allowed IPs: whose is an address? (whitepaper 2, "cryptokey routing"). Two tries, longest prefix
 * first, and for each owner its prefixes in the order they were added.
 * Changed by control inside publish; routes_find is for sections. */
#ifndef WG_ROUTES_H
#define WG_ROUTES_H

#include "base/addr.h"

struct routes_owner { /* lies inside a peer; zeroed: owns nothing */
	uint32_t first, last; /* numbers of routes, 0: none */
};

struct route;
struct trie_node;

struct routes { /* zeroed: empty */
	struct trie_node *v4, *v6;
	struct route *all; /* owned, by number - 1; control only */
	uint32_t cap, used, free;
};

/* Null: nobody's. address: ip_bytes of the family. */
struct routes_owner *routes_find(const struct routes *r, enum ip_family family,
				 const uint8_t *address);

struct routes_query {
	struct routes_owner *owner; /* out, as routes_find returns it */
	const uint8_t *address;
	uint8_t family;
};
enum { ROUTES_QUERIES_MAX = 64 };
/* Many at once, at most ROUTES_QUERIES_MAX: their waits for memory overlap. */
void routes_find_many(const struct routes *r, struct routes_query *queries, size_t n);

/* Takes memory for so many more, which sections do not look at. False: there is none. */
must_check bool routes_reserve(struct routes *r, size_t more);
/* Gives the prefix to the owner, as his newest, whoever had it before. False: out of memory, and
 * nothing changed. */
must_check bool routes_add(struct routes *r, struct routes_owner *owner,
			   const struct ip_prefix *prefix);
/* Takes exactly this prefix away if it is the owner's; says whether it was. */
bool routes_remove(struct routes *r, struct routes_owner *owner, const struct ip_prefix *prefix);
void routes_remove_all(struct routes *r, struct routes_owner *owner);

/* The prefix after number `after` (0: the first); its number, or 0 when there is no more. */
uint32_t routes_next(const struct routes *r, const struct routes_owner *owner, uint32_t after,
		     struct ip_prefix *out);

void routes_free(struct routes *r);

#endif
