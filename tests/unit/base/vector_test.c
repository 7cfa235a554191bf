/* Vectors, text buffers and string lists that grow. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/vector.h"

static void elements_survive_growth(void **state)
{
	uint16_t *list = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (; n < 1000; n++) {
		assert_true(vector_reserve(&list, &cap, n + 1, sizeof *list));
		assert_true(cap > n);
		list[n] = (uint16_t)n;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i], i);
	assert_true(vector_reserve(&list, &cap, 5000, sizeof *list)); /* by more than one element */
	assert_true(cap >= 5000);
	assert_int_equal(list[999], 999);
	free(list);
}

static void text_on_the_heap_is_not_cut(void **state)
{
	struct text t = text_heap();

	(void)state;
	for (int i = 0; i < 10000; i++)
		text_add(&t, "abc");
	assert_false(t.failed);
	assert_int_equal(t.n, 30000);
	assert_int_equal(strlen(t.p), 30000);
	text_heap_free(&t);
	assert_null(t.p);
	text_add(&t, "again"); /* it can be used again */
	assert_string_equal(t.p, "again");
	text_heap_free(&t);
}

static void lists_own_copies(void **state)
{
	struct string_list l = { 0 };
	char text[] = "first";

	(void)state;
	assert_true(string_list_add(&l, span_of(text)));
	text[0] = 'x';
	for (int i = 0; i < 20; i++)
		assert_true(string_list_add(&l, SPAN("")));
	assert_int_equal(l.n, 21);
	assert_string_equal(l.list[0], "first");
	assert_string_equal(l.list[20], "");
	string_list_free(&l);
	assert_int_equal(l.n, 0);
	assert_null(l.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_survive_growth),
		cmocka_unit_test(text_on_the_heap_is_not_cut),
		cmocka_unit_test(lists_own_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
