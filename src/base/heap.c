/* Sift-up and sift-down in an array of pointers. */
#include "heap.h"

#include <assert.h>

static void put(struct heap *h, uint32_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->position = i + 1;
}

static uint32_t sift_up(struct heap *h, uint32_t i, struct heap_node *node)
{
	while (i > 0 && h->nodes[(i - 1) / 2]->key > node->key) {
		put(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	return i;
}

static uint32_t sift_down(struct heap *h, uint32_t i, struct heap_node *node)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= h->n)
			return i;
		if (child + 1 < h->n && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= node->key)
			return i;
		put(h, i, h->nodes[child]);
		i = child;
	}
}

static void settle(struct heap *h, uint32_t i, struct heap_node *node)
{
	uint32_t up = sift_up(h, i, node);

	put(h, up == i ? sift_down(h, i, node) : up, node);
}

void heap_set(struct heap *h, struct heap_node *node, uint64_t key)
{
	node->key = key;
	settle(h, node->position ? node->position - 1 : h->n++, node);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	uint32_t i = node->position - 1;
	struct heap_node *last;

	if (node->position == 0)
		return;
	assert(i < h->n && h->nodes[i] == node); /* a node's position is its index in the heap that holds it */
	node->position = 0;
	last = h->nodes[--h->n];
	if (last != node)
		settle(h, i, last);
}

struct heap_node *heap_first(const struct heap *h)
{
	return h->n > 0 ? h->nodes[0] : NULL;
}
