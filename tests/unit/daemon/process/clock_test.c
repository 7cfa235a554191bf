/* Both clocks advance. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/process/clock.h"

static void both_clocks_advance(void **state)
{
	uint64_t boot = clock_boot_ns();

	(void)state;
	assert_true(boot > 0);
	assert_true(clock_wall_ns() > 1700000000ull * NS_PER_S);
	for (int i = 0; i < 1000; i++) {
		uint64_t boot2 = clock_boot_ns();
		assert_true(boot2 >= boot);
		boot = boot2;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_clocks_advance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
