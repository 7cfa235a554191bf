/* Threads with tickets go on in the order of their tickets, however they are woken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include "daemon/threads/sequencer.h"

enum { THREADS = 6, ROUNDS = 4000 };

struct table {
	struct line line;
	pthread_mutex_t reading;
	uint32_t read, numbered, out; /* not atomic: turns are what keeps them whole */
	uint32_t wrong_numbered, wrong_out;
};

static struct table table = { .reading = PTHREAD_MUTEX_INITIALIZER };

/* What differs between threads and rounds, so that they really overtake each other. */
static void dawdle(uint32_t seed)
{
	for (uint32_t i = 0; i < seed * 2654435761u >> 29; i++)
		sched_yield();
}

static void *serve(void *ctx)
{
	(void)ctx;
	for (;;) {
		uint32_t ticket;

		pthread_mutex_lock(&table.reading);
		if (table.read == ROUNDS) {
			pthread_mutex_unlock(&table.reading);
			return NULL;
		}
		table.read++;
		ticket = line_ticket(&table.line);
		pthread_mutex_unlock(&table.reading);
		dawdle(ticket);
		turn_wait(&table.line.counters, ticket);
		turn_wait(&table.line.counters, ticket); /* it still is */
		table.wrong_numbered += table.numbered++ != ticket;
		turn_pass(&table.line.counters, ticket);
		dawdle(ticket + 1000);
		turn_wait(&table.line.out, ticket);
		table.wrong_out += table.out++ != ticket;
		turn_pass(&table.line.out, ticket);
	}
}

static void run_from(uint32_t first)
{
	pthread_t threads[THREADS];

	atomic_store(&table.line.tickets, first);
	atomic_store(&table.line.counters.now, first);
	atomic_store(&table.line.out.now, first);
	table.read = table.wrong_numbered = table.wrong_out = 0;
	table.numbered = table.out = first;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, serve, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(table.wrong_numbered, 0);
	assert_int_equal(table.wrong_out, 0);
	assert_int_equal(table.numbered, first + ROUNDS);
	assert_int_equal(table.out, first + ROUNDS);
	assert_int_equal(line_length(&table.line), 0);
	assert_int_equal(atomic_load(&table.line.out.sleepers), 0);
}

static void everyone_waits_for_those_before(void **state)
{
	(void)state;
	run_from(0);
}

static void tickets_may_wrap_around(void **state)
{
	(void)state;
	run_from(UINT32_MAX - ROUNDS / 2);
}

static void the_line_is_as_long_as_those_who_have_not_left(void **state)
{
	struct line l = { 0 };
	uint32_t a = line_ticket(&l), b = line_ticket(&l);

	(void)state;
	assert_int_equal(line_length(&l), 2);
	turn_wait(&l.out, a);
	turn_pass(&l.out, a);
	assert_int_equal(line_length(&l), 1);
	turn_wait(&l.out, b);
	turn_pass(&l.out, b);
	assert_int_equal(line_length(&l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_waits_for_those_before),
		cmocka_unit_test(tickets_may_wrap_around),
		cmocka_unit_test(the_line_is_as_long_as_those_who_have_not_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
