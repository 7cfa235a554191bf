/* WG_NO_OFFLOAD: every word, and words that are not known. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/offload_disable.h"

static void lists_of_known_words_are_read(void **state)
{
	unsigned int off;

	(void)state;
	assert_true(offload_disable_parse(&off, NULL));
	assert_int_equal(off, 0);
	assert_true(offload_disable_parse(&off, ""));
	assert_int_equal(off, 0);
	assert_true(offload_disable_parse(&off, "vnet,tso,uso,join,segment,gro,mmsg,split,tunnel,queues"));
	assert_int_equal(off, 0x3ff);
	assert_true(offload_disable_parse(&off, "gro,"));
	assert_int_equal(off, OFFLOAD_NO_GRO);
}

static void other_words_are_refused(void **state)
{
	unsigned int off;

	(void)state;
	assert_false(offload_disable_parse(&off, "gro,x"));
	assert_false(offload_disable_parse(&off, "GRO"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_known_words_are_read),
		cmocka_unit_test(other_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
