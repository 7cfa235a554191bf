/* Random insertions, changes and removals, compared with a search of all keys. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/heap.h"

enum { NODES = 200 };

static void first_has_the_smallest_key(void **state)
{
	struct heap_node nodes[NODES] = { 0 }, *slots[NODES];
	struct heap h = { slots, 0 };
	uint32_t seed = 1;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		struct heap_node *node = &nodes[(seed >> 8) % NODES];
		if (seed >> 30 == 0)
			heap_remove(&h, node);
		else
			heap_set(&h, node, (seed >> 4) % 1000);
		uint64_t smallest = NEVER;
		uint32_t n = 0;
		for (int i = 0; i < NODES; i++) {
			n += nodes[i].position != 0;
			if (nodes[i].position && nodes[i].key < smallest)
				smallest = nodes[i].key;
		}
		assert_int_equal(n, h.n);
		if (n == 0)
			assert_null(heap_first(&h));
		else
			assert_int_equal(heap_first(&h)->key, smallest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(first_has_the_smallest_key) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
