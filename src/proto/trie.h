/* One trie of prefixes, for routes.c: whose is each, and which number has it. */
#ifndef WG_TRIE_H
#define WG_TRIE_H

#include "routes.h"

struct route_key { /* left-aligned */
	uint64_t hi, lo;
};

struct route {
	struct routes_owner *owner;
	struct route_key key;
	uint32_t older, newer; /* in the owner's list; newer also links free routes */
	uint8_t bits;
	bool is_v6;
};

/* key: ip_bytes of the family, which are a route_key's first bits. */
struct route_key trie_key(enum ip_family family, const uint8_t *b);

struct trie_place { /* where a prefix's owner and number stand */
	struct routes_owner **owner;
	uint32_t *route;
};
/* False: the prefix is not in it. */
must_check bool trie_find(struct trie_place *out, struct trie_node *node, struct route_key key,
			  unsigned int bits);
/* The prefix is not in it yet. False: out of memory, and every look-up as before. */
must_check bool trie_add(struct trie_node **link, struct route_key key, unsigned int bits,
			 struct routes_owner *owner, uint32_t route);
/* The prefix is in it. all: every route, by number - 1. */
void trie_remove(struct trie_node **root, struct route_key key, unsigned int bits,
		 const struct route *all);
void trie_free(struct trie_node *node);

#endif
