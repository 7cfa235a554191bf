/* The wall clock that never goes back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../../../src/daemon/clock.h"

static void time_set_back_goes_on(void **state)
{
	struct clock_wall w = { 0 };

	(void)state;
	assert_int_equal(clock_wall_steady(&w, 1000 * NS_PER_S, 5 * NS_PER_S), 1000 * NS_PER_S);
	assert_int_equal(clock_wall_steady(&w, 1001 * NS_PER_S, 6 * NS_PER_S), 1001 * NS_PER_S);
	/* Back to 1970: from here on it is the other clock that counts. */
	assert_int_equal(clock_wall_steady(&w, 3, 8 * NS_PER_S), 1003 * NS_PER_S);
	assert_int_equal(clock_wall_steady(&w, 4, 8 * NS_PER_S + 1), 1003 * NS_PER_S + 1);
	/* Set right again, it is followed, and forwards always. */
	assert_int_equal(clock_wall_steady(&w, 1010 * NS_PER_S, 9 * NS_PER_S), 1010 * NS_PER_S);
	assert_int_equal(clock_wall_steady(&w, 9000 * NS_PER_S, 10 * NS_PER_S), 9000 * NS_PER_S);
	assert_int_equal(clock_wall_steady(&w, 1011 * NS_PER_S, 11 * NS_PER_S), 9001 * NS_PER_S);
}

static void the_first_look_may_be_any(void **state)
{
	struct clock_wall w = { 0 };

	(void)state;
	assert_int_equal(clock_wall_steady(&w, 0, 77 * NS_PER_S), 0);
	assert_int_equal(clock_wall_steady(&w, 0, 78 * NS_PER_S), NS_PER_S);
}

static void both_clocks_run(void **state)
{
	struct clock_wall w = { 0 };
	uint64_t boot = clock_boot_ns(), wall = clock_wall_now(&w);

	(void)state;
	assert_true(boot > 0);
	assert_true(wall > 1700000000ull * NS_PER_S);
	for (int i = 0; i < 1000; i++) {
		uint64_t boot2 = clock_boot_ns(), wall2 = clock_wall_now(&w);
		assert_true(boot2 >= boot && wall2 >= wall);
		boot = boot2;
		wall = wall2;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_set_back_goes_on),
		cmocka_unit_test(the_first_look_may_be_any),
		cmocka_unit_test(both_clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
