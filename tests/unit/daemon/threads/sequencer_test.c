/* Ticket order: threads pass the stages in the order of their tickets, whichever way they are woken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include "daemon/threads/sequencer.h"
#include "../../../lib/aborts.h"

enum { THREADS = 6, BATCHES = 4000 };

struct source {
	struct sequencer sequencer;
	pthread_mutex_t reading;
	uint32_t n_read, next_counters, next_output; /* not atomic: the stages protect them */
	uint32_t wrong_counters, wrong_output;
};

static struct source source = { .reading = PTHREAD_MUTEX_INITIALIZER };

/* A delay that differs between threads and batches, so that threads overtake each other. */
static void delay(uint32_t seed)
{
	for (uint32_t i = 0; i < seed * 2654435761u >> 29; i++)
		sched_yield();
}

static void *serve(void *ctx)
{
	struct ticket t = { .sequencer = &source.sequencer, .is_last_batch = true };

	(void)ctx;
	for (;;) {
		pthread_mutex_lock(&source.reading);
		if (source.n_read == BATCHES) {
			pthread_mutex_unlock(&source.reading);
			return NULL;
		}
		source.n_read++;
		ticket_take(&t);
		pthread_mutex_unlock(&source.reading);
		delay(t.number);
		ticket_wait_counters(&t);
		ticket_wait_counters(&t); /* still holds the stage */
		source.wrong_counters += source.next_counters++ != t.number;
		ticket_pass_counters(&t);
		delay(t.number + 1000);
		ticket_wait_output(&t);
		source.wrong_output += source.next_output++ != t.number;
		ticket_pass_output(&t);
	}
}

static void run_from(uint32_t first)
{
	pthread_t threads[THREADS];

	atomic_store(&source.sequencer.next_ticket, first);
	atomic_store(&source.sequencer.counters.current, first);
	atomic_store(&source.sequencer.output.current, first);
	source.n_read = source.wrong_counters = source.wrong_output = 0;
	source.next_counters = source.next_output = first;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, serve, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(source.wrong_counters, 0);
	assert_int_equal(source.wrong_output, 0);
	assert_int_equal(source.next_counters, first + BATCHES);
	assert_int_equal(source.next_output, first + BATCHES);
	assert_int_equal(sequencer_in_flight(&source.sequencer), 0);
	assert_int_equal(atomic_load(&source.sequencer.output.n_sleeping), 0);
}

static void batches_pass_each_stage_in_ticket_order(void **state)
{
	(void)state;
	run_from(0);
}

static void ticket_numbers_wrap_around(void **state)
{
	(void)state;
	run_from(UINT32_MAX - BATCHES / 2);
}

static void batches_are_in_flight_until_they_pass_the_output_stage(void **state)
{
	struct sequencer s = { 0 };
	struct ticket a = { .sequencer = &s, .is_last_batch = true }, b = a;

	(void)state;
	ticket_take(&a);
	ticket_take(&b);
	assert_int_equal(sequencer_in_flight(&s), 2);
	ticket_wait_output(&a);
	ticket_pass_output(&a);
	assert_int_equal(sequencer_in_flight(&s), 1);
	assert_true(sequencer_has_passed(&s, a.number));
	assert_false(sequencer_has_passed(&s, b.number));
	ticket_wait_output(&b);
	ticket_pass_output(&b);
	assert_int_equal(sequencer_in_flight(&s), 0);
}

static void a_ticket_holds_the_stages_until_its_last_batch(void **state)
{
	struct sequencer s = { 0 };
	struct ticket t = { .sequencer = &s };

	(void)state;
	for (int i = 0; i < 3; i++) {
		t.is_last_batch = i == 2;
		ticket_take(&t);
		assert_int_equal(t.number, 0);
		ticket_wait_counters(&t);
		ticket_pass_counters(&t);
		assert_int_equal(sequencer_in_flight(&s), 1);
		assert_false(sequencer_has_passed(&s, 0));
		ticket_wait_output(&t);
		ticket_pass_output(&t);
	}
	assert_false(t.is_held);
	assert_true(sequencer_has_passed(&s, 0));
	assert_int_equal(sequencer_in_flight(&s), 0);
	ticket_take(&t);
	assert_int_equal(t.number, 1);
}

static void pass_out_of_order(void *ctx)
{
	struct ticket *second = ctx;

	ticket_pass_output(second);
}

static void pass_stage_twice(void *ctx)
{
	struct ticket *t = ctx;

	ticket_pass_counters(t);
	ticket_pass_counters(t);
}

static void pass_without_ticket(void *ctx)
{
	struct ticket none = *(const struct ticket *)ctx;

	none.is_held = false;
	ticket_pass_output(&none);
}

static void only_the_holder_of_a_stage_passes_it(void **state)
{
	struct sequencer s = { 0 };
	struct ticket a = { .sequencer = &s, .is_last_batch = true }, b = a;

	(void)state;
	ticket_take(&a);
	ticket_take(&b);
	assert_true(aborts(pass_out_of_order, &b));
	assert_true(aborts(pass_stage_twice, &a));
	assert_true(aborts(pass_without_ticket, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_pass_each_stage_in_ticket_order),
		cmocka_unit_test(ticket_numbers_wrap_around),
		cmocka_unit_test(batches_are_in_flight_until_they_pass_the_output_stage),
		cmocka_unit_test(a_ticket_holds_the_stages_until_its_last_batch),
		cmocka_unit_test(only_the_holder_of_a_stage_passes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
