/* A min-heap of nodes that live inside other structs, keyed by a 64-bit deadline.
 * The caller owns the array of pointers and makes it large enough; the heap allocates nothing. */
#ifndef WG_HEAP_H
#define WG_HEAP_H

#include "base.h"

struct heap_node {
	uint64_t key;
	uint32_t position; /* index + 1; 0: not in a heap */
};

struct heap {
	struct heap_node **nodes; /* room for as many as are ever added at once */
	uint32_t n;
};

/* Adds the node, or moves it, so that it has this key. O(log n). */
void heap_set(struct heap *h, struct heap_node *node, uint64_t key);
/* Takes the node out; nothing happens when it is in no heap. O(log n). */
void heap_remove(struct heap *h, struct heap_node *node);
/* The node with the least key, left in position; null when empty. */
struct heap_node *heap_first(const struct heap *h);

#endif
