/* The spin lock: exclusion is tested by threads_test; here, that a waiting thread yields the CPU to the holder. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "proto/spin.h"

static struct spin lock;
static int yields;

static void run_the_holder(void)
{
	if (++yields == 3)
		spin_unlock(&lock);
}

static void a_waiting_thread_yields(void **state)
{
	(void)state;
	spin_set_yield(run_the_holder);
	spin_lock(&lock);
	assert_int_equal(yields, 0);
	spin_lock(&lock); /* until the holder has run */
	assert_int_equal(yields, 3);
	spin_unlock(&lock);
	spin_lock(&lock);
	assert_int_equal(yields, 3);
	spin_unlock(&lock);
	spin_set_yield(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_waiting_thread_yields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
