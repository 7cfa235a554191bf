/* Appending, formatting compared with printf(3), full buffers and callbacks. */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/text.h"

#define BOTH(...) \
	do { \
		char expect[256], got[256]; \
		struct text t = text_fixed(got, sizeof got); \
		snprintf(expect, sizeof expect, __VA_ARGS__); \
		text_f(&t, __VA_ARGS__); \
		assert_string_equal(got, expect); \
		assert_int_equal(t.n, strlen(expect)); \
	} while (0)

static void formats_as_printf(void **state)
{
	(void)state;
	BOTH("plain");
	BOTH("100%% %s %c|", "text", 'x');
	BOTH("[%.*s]", 3, "abcdef");
	BOTH("[%.*s]", 0, "abcdef");
	BOTH("%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
	BOTH("%u %u %x %x", 0u, UINT_MAX, 0u, UINT_MAX);
	BOTH("%lu %llu %zu %llx", ULONG_MAX, ULLONG_MAX, SIZE_MAX, ULLONG_MAX);
	BOTH("%02x %02x %02x %02x", 0, 9, 0xab, 0x1234);
}

static void text_is_cut_at_the_end_of_the_buffer(void **state)
{
	char buffer[8];

	(void)state;
	for (size_t n = 0; n < 12; n++) {
		struct text t = text_fixed(buffer, sizeof buffer);
		for (size_t i = 0; i < n; i++)
			text_char(&t, 'x');
		assert_int_equal(t.failed, n > 7);
		assert_int_equal(strlen(buffer), n > 7 ? 7 : n);
	}
	struct text t = text_fixed(buffer, sizeof buffer);
	text_add(&t, "0123456789");
	assert_string_equal(buffer, "0123456");
	assert_true(t.failed);
}

struct sink {
	char all[256];
	size_t n;
	bool refuse;
};

static bool empty_into_sink(struct text *t, size_t more)
{
	struct sink *s = t->ctx;

	(void)more;
	if (s->refuse)
		return false;
	memcpy(s->all + s->n, t->p, t->n);
	s->n += t->n;
	t->n = 0;
	return true;
}

static void the_callback_empties_the_buffer(void **state)
{
	struct sink s = { .n = 0 };
	char buffer[8];
	struct text t = text_fixed(buffer, sizeof buffer);

	(void)state;
	t.make_space = empty_into_sink;
	t.ctx = &s;
	for (int i = 0; i < 10; i++)
		text_f(&t, "%d-%d,", i, i);
	assert_false(t.failed);
	assert_true(t.make_space(&t, 0));
	assert_int_equal(s.n, 40);
	assert_memory_equal(s.all, "0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,", 40);
	text_add(&t, "longer than the whole buffer"); /* too long for the callback: cut, and reported */
	assert_true(t.failed);
	t.failed = false;
	s.refuse = true;
	text_add(&t, "0123456789");
	assert_true(t.failed);
}

static bool empty_and_fail(struct text *t, size_t more)
{
	(void)more;
	t->n = 0;
	return false;
}

/* As with a socket closed by the peer: the length is that of the text appended after emptying. */
static void a_callback_that_empties_and_fails(void **state)
{
	char buffer[64], out[3] = { 'a', 'b', 'c' };
	struct text t = text_fixed(buffer, sizeof buffer);

	(void)state;
	t.make_space = empty_and_fail;
	memset(buffer, 'x', sizeof buffer);
	t.n = sizeof buffer - 2;
	text_span(&t, (struct span){ out, sizeof out });
	assert_true(t.failed);
	assert_int_equal(t.n, 3);
	assert_string_equal(buffer, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_as_printf),
		cmocka_unit_test(text_is_cut_at_the_end_of_the_buffer),
		cmocka_unit_test(the_callback_empties_the_buffer),
		cmocka_unit_test(a_callback_that_empties_and_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
