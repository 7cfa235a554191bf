/* Tries of IP prefixes with longest-prefix match, one per address family; each prefix has an owner
 * and a route number, which routes.c assigns. A look-up never writes. */
#ifndef WG_TRIE_H
#define WG_TRIE_H

#include "base/addr.h"

struct routes_owner;
struct trie_node;

struct trie_roots { /* zeroed: empty */
	struct trie_node *v4, *v6;
};

struct route_key { /* the bits of a prefix or address, left-aligned */
	uint64_t hi, lo;
};

struct route { /* a numbered prefix; routes.c stores them, a trie reads key and bits only */
	struct routes_owner *owner;
	struct route_key key;
	uint32_t older, newer; /* links of the owner's list; `newer` also links free routes */
	uint8_t bits;
	bool is_v6;
};

/* b: the bytes of the address, 4 or 16 by family. */
struct route_key trie_key(enum ip_family family, const uint8_t *b);

/* The owner of the longest prefix that contains the address (4 or 16 bytes). Null: no prefix does. */
struct routes_owner *trie_lookup(const struct trie_roots *roots, enum ip_family family,
				 const uint8_t *address);

struct route_query {
	struct routes_owner *owner; /* out */
	const uint8_t *address;
	uint8_t family;
};
enum { ROUTE_QUERIES_MAX = 64 };
/* Up to ROUTE_QUERIES_MAX look-ups side by side, so that their cache misses overlap. */
void trie_lookup_many(const struct trie_roots *roots, struct route_query *queries, size_t n);

struct trie_position { /* where a trie stores the owner and number of a prefix */
	struct routes_owner **owner;
	uint32_t *route;
};
/* False: the prefix is not in the trie. */
must_check bool trie_find(struct trie_position *out, struct trie_node *node, struct route_key key,
			  unsigned int bits);
/* Adds a prefix that is not in the trie. False: out of memory, and no look-up changed. */
must_check bool trie_add(struct trie_node **link, struct route_key key, unsigned int bits,
			 struct routes_owner *owner, uint32_t route);
/* Removes a prefix that is in the trie. all: the routes, by number - 1. */
void trie_remove(struct trie_node **root, struct route_key key, unsigned int bits,
		 const struct route *all);
void trie_free(struct trie_node *node);

#endif
