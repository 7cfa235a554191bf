/* The index table against a plain list, through growth, removal and collisions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/index.h"

enum { MANY = 3000 };

static uint32_t random_state = 7;

static uint32_t random_u32(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8 ^ random_state << 16;
}

static void add(struct index_table *t, uint32_t index, enum index_kind kind, void *what)
{
	struct index_table grown;

	assert_true(index_grow(&grown, t, 1));
	index_grow_commit(t, &grown);
	index_free(&grown);
	index_add(t, index, kind, what);
}

static void test_empty(void **state)
{
	struct index_table t = { 0 };

	(void)state;
	assert_null(index_find(&t, 0));
	index_remove(&t, 5);
	index_free(&t);
}

/* mask: the bits in which indices differ; with few, all of them collide. */
static void walk(uint32_t mask)
{
	struct index_table t = { 0 };
	static struct {
		uint32_t index;
		bool used;
	} list[MANY];
	size_t n = 0;

	memset(list, 0, sizeof list);
	for (int step = 0; step < 20000; step++) {
		size_t i = random_u32() % MANY;

		if (list[i].used) {
			const struct index_slot *s = index_find(&t, list[i].index);

			assert_non_null(s);
			assert_ptr_equal(s->object, &list[i]);
			assert_int_equal(s->kind, i % 2 ? INDEX_SESSION : INDEX_HANDSHAKE);
			if (random_u32() % 4 == 0) {
				index_remove(&t, list[i].index);
				assert_null(index_find(&t, list[i].index));
				list[i].used = false;
				n--;
			}
		} else {
			uint32_t index = (random_u32() & mask) | (uint32_t)i << 20;

			if (index_find(&t, index))
				continue;
			list[i].index = index;
			list[i].used = true;
			add(&t, index, i % 2 ? INDEX_SESSION : INDEX_HANDSHAKE, &list[i]);
			n++;
		}
		assert_int_equal(t.n, n);
	}
	for (size_t i = 0; i < MANY; i++)
		if (list[i].used)
			assert_ptr_equal(index_find(&t, list[i].index)->object, &list[i]);
	index_free(&t);
}

static void test_random(void **state)
{
	(void)state;
	walk(0xfffff);
	walk(0x3);
	walk(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
