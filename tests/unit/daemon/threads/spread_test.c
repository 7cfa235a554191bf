/* Whether datagrams come from many peers, judged by how evenly the sockets are loaded. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/threads/spread.h"

static const struct {
	uint64_t received[8];
	unsigned int n;
	bool after_uneven, after_even;
} cases[] = {
	{ { 50000, 50000 }, 2, true, true },
	{ { 74000, 26000 }, 2, true, true },
	{ { 80000, 20000 }, 2, false, true },  /* in between, nothing changes */
	{ { 100000, 2000 }, 2, false, false }, /* one peer, and what others answer */
	{ { 0, 90000 }, 2, false, false },
	{ { 90000 }, 1, false, false },
	{ { 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000 }, 8, true, true },
	{ { 25000, 25000, 25000, 25000 }, 8, true, true },
	{ { 27000, 25000, 25000, 23000 }, 8, false, true },
	{ { 50000, 50000 }, 8, false, false }, /* two of eight: threads are left to help */
	{ { 60000, 10000, 10000, 10000, 10000 }, 8, false, false },
	{ { 500, 5 }, 2, false, true },        /* too few to judge */
	{ { 0 }, 4, false, true },
};

static void an_even_load_is_of_many_peers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(spread_is_even(cases[i].received, cases[i].n, false), cases[i].after_uneven);
		assert_int_equal(spread_is_even(cases[i].received, cases[i].n, true), cases[i].after_even);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_even_load_is_of_many_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
