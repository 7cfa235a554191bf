/* Labels and tables are aligned by columns of the terminal, whatever their texts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/page.h"

static void alignment(void **state)
{
	static const enum terminal_style styles[] = { STYLE_YELLOW, STYLE_NONE, STYLE_NONE };
	static const char *const cells[] = { "\xe6\xbc\xa2\xe5\xad\x97", "x", "1", "ab\x1b", "", "2", "a", "", "", "e\xcc\x81", "long", "" };
	struct text t = text_heap();
	struct page page = { .t = { .out = &t }, .label_columns = 6 };
	struct page_table table = { .columns = 3 };

	(void)state;
	page_label(&page, "port");
	page_text(&page, STYLE_BOLD, "1\n\x1b[2J");
	text_char(&t, '\n');
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		assert_true(page_table_add(&table, span_of(cells[i])));
	page_table_print(&page, &table, styles);
	assert_string_equal(t.p, "  port: 1??[2J\n"
				 "        \xe6\xbc\xa2\xe5\xad\x97  x     1\n"
				 "        ab?         2\n"
				 "        a\n"
				 "        e\xcc\x81     long\n");
	page_table_free(&table);
	text_heap_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(alignment) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
