/* Sections: nobody is inside while a change is published, and neither side keeps the other out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/threads/brlock.h"

enum { THREADS = 4, CLOSES = 2000, PASSES = 500 };

static struct places all;
static struct place places[THREADS];
static uint64_t published[2]; /* not atomic: always the same two, for those inside */
static _Atomic uint32_t passes[THREADS];
static _Atomic bool stop;
static _Atomic uint32_t torn;

static void *pass(void *ctx)
{
	size_t i = *(const size_t *)ctx;

	while (!stop) {
		place_enter(&places[i]);
		if (published[0] != published[1])
			torn++;
		place_leave(&places[i]);
		passes[i]++;
	}
	return NULL;
}

static bool all_have_passed(void)
{
	for (int i = 0; i < THREADS; i++)
		if (passes[i] < PASSES)
			return false;
	return true;
}

static void publish(void)
{
	gate_close(&all.sections);
	for (int i = 0; i < THREADS; i++)
		pthread_mutex_lock(&places[i].section);
	published[0]++;
	published[1]++;
	for (int i = THREADS; i-- > 0;)
		pthread_mutex_unlock(&places[i].section);
	gate_open(&all.sections);
}

/* Both sides do nothing else: with plain locks one of them would sleep for as long as the other likes. */
static void both_sides_get_on(void **state)
{
	static const size_t numbers[THREADS] = { 0, 1, 2, 3 };
	pthread_t threads[THREADS];

	(void)state;
	assert_true(gate_init(&all.sections));
	for (int i = 0; i < THREADS; i++)
		assert_true(place_init(&places[i], &all));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass, (void *)(uintptr_t)&numbers[i]), 0);
	for (int n = 0; n < CLOSES || !all_have_passed(); n++)
		publish();
	stop = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(torn, 0);
	assert_int_equal(all.sections.waiting, 0);
}

/* A batch that is not the last with its ticket keeps the turn. */
static void a_ticket_is_for_all_batches_up_to_the_last(void **state)
{
	struct line line = { 0 };
	struct place *p = &places[0];

	(void)state;
	assert_true(place_init(p, &all));
	p->line = &line;
	for (int i = 0; i < 3; i++) {
		p->is_last = i == 2;
		place_queue(p);
		assert_int_equal(p->ticket, 0);
		place_wait_for_counters(p);
		place_numbered(p);
		assert_int_equal(line_length(&line), 1);
		assert_false(line_has_left(&line, 0));
		place_wait_to_send(p);
		place_sent(p);
	}
	assert_false(p->in_line);
	assert_true(line_has_left(&line, 0));
	assert_int_equal(line_length(&line), 0);
	place_queue(p);
	assert_int_equal(p->ticket, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_get_on),
		cmocka_unit_test(a_ticket_is_for_all_batches_up_to_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
