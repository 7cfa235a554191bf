/* Each thread on one of the CPUs that the process may use. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/process/cpu_affinity.h"

static pthread_barrier_t end;

static void *wait_for_end(void *ctx)
{
	(void)ctx;
	pthread_barrier_wait(&end);
	return NULL;
}

static void threads_take_turns_on_the_usable_cpus(void **state)
{
	cpu_set_t usable, one, all;
	pthread_t thread;
	int n;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof usable, &usable), 0);
	n = CPU_COUNT(&usable);
	CPU_ZERO(&all);
	assert_int_equal(pthread_barrier_init(&end, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, NULL), 0);
	for (int i = 0; i < 2 * n; i++) {
		assert_int_equal(cpu_affinity_set(thread, (unsigned int)i), 0);
		assert_int_equal(pthread_getaffinity_np(thread, sizeof one, &one), 0);
		assert_int_equal(CPU_COUNT(&one), 1);
		CPU_OR(&all, &all, &one);
		assert_int_equal(CPU_COUNT(&all), i < n ? i + 1 : n);
	}
	assert_true(CPU_EQUAL(&all, &usable));
	pthread_barrier_wait(&end);
	pthread_join(thread, NULL);
	assert_int_equal(sched_getaffinity(0, sizeof one, &one), 0); /* that of this thread is as it was */
	assert_true(CPU_EQUAL(&one, &usable));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_take_turns_on_the_usable_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
