/* A binary min-heap of nodes embedded in other structs, keyed by a 64-bit deadline. The caller provides an array of
 * pointers that is large enough; the heap allocates nothing. */
#ifndef WG_HEAP_H
#define WG_HEAP_H

#include "base.h"

struct heap_node {
	uint64_t key;
	uint32_t position; /* index + 1; 0: not in a heap */
};

struct heap {
	struct heap_node **nodes; /* capacity for all nodes that are ever in it at once */
	uint32_t n;
};

/* Adds the node, or changes its key. O(log n). */
void heap_set(struct heap *h, struct heap_node *node, uint64_t key);
/* Removes the node; does nothing if it is not in a heap. O(log n). */
void heap_remove(struct heap *h, struct heap_node *node);
/* The node with the smallest key, which stays in the heap; null if the heap is empty. */
struct heap_node *heap_first(const struct heap *h);

#endif
