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

/* ---- an output stage that is passed in the order of peers ---- */

enum { PEERS = 5 };

static struct departure departures[SEQUENCER_TICKETS];

static struct by_peer {
	struct sequencer sequencer;
	pthread_mutex_t reading;
	uint32_t n_read;
	uint32_t latest[PEERS]; /* ticket_follow; under the counters stage */
	_Atomic uint32_t sent[PEERS]; /* not protected by anything but the order that is tested */
	_Atomic uint32_t wrong;
	uint32_t reserved[PEERS];
} by_peer = { .sequencer.departures = departures, .reading = PTHREAD_MUTEX_INITIALIZER };

/* A batch has packets of one or two peers. */
static void *serve_peers(void *ctx)
{
	struct ticket t = { .sequencer = &by_peer.sequencer, .is_last_batch = true };

	(void)ctx;
	for (;;) {
		uint32_t peers[2], counters[2];
		pthread_mutex_lock(&by_peer.reading);
		if (by_peer.n_read == BATCHES) {
			pthread_mutex_unlock(&by_peer.reading);
			return NULL;
		}
		by_peer.n_read++;
		ticket_take(&t);
		pthread_mutex_unlock(&by_peer.reading);
		peers[0] = t.number * 2654435761u >> 16;
		peers[1] = t.number * 2246822519u >> 16;
		delay(t.number);
		ticket_wait_counters(&t);
		for (int i = 0; i < 2; i++) {
			peers[i] %= PEERS;
			counters[i] = by_peer.reserved[peers[i]]++;
			ticket_follow(&t, &by_peer.latest[peers[i]]);
		}
		ticket_pass_counters(&t);
		delay(t.number + 1000);
		ticket_wait_output(&t);
		for (int i = 0; i < 2; i++)
			by_peer.wrong += atomic_fetch_add(&by_peer.sent[peers[i]], 1) != counters[i];
		ticket_pass_output(&t);
	}
}

static void run_peers_from(uint32_t first)
{
	struct sequencer *s = &by_peer.sequencer;
	pthread_t threads[THREADS];

	atomic_store(&s->next_ticket, first);
	atomic_store(&s->counters.current, first);
	s->n_passed = first;
	for (uint32_t back = 1; back <= SEQUENCER_TICKETS; back++)
		atomic_store(&departures[(first - back) % SEQUENCER_TICKETS].next, first - back + 1);
	by_peer.n_read = 0;
	by_peer.wrong = 0;
	for (int i = 0; i < PEERS; i++) {
		by_peer.reserved[i] = 0;
		by_peer.sent[i] = 0;
	}
	assert_true(sequencer_is_idle(s));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, serve_peers, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(by_peer.wrong, 0);
	assert_true(sequencer_is_idle(s));
	assert_true(sequencer_has_passed(s, first + BATCHES - 1));
	assert_false(sequencer_has_passed(s, first + BATCHES));
}

static void batches_of_a_peer_leave_in_ticket_order(void **state)
{
	(void)state;
	run_peers_from(0);
	run_peers_from(UINT32_MAX - BATCHES / 2);
}

static struct ticket take_for(struct sequencer *s, uint32_t *latest)
{
	struct ticket t = { .sequencer = s, .is_last_batch = true };

	ticket_take(&t);
	ticket_wait_counters(&t);
	ticket_follow(&t, latest);
	ticket_pass_counters(&t);
	return t;
}

static void batches_of_other_peers_do_not_wait(void **state)
{
	static struct departure all[SEQUENCER_TICKETS];
	struct sequencer s = { .departures = all };
	uint32_t a = 0, b = UINT32_MAX; /* of no ticket */
	struct ticket first = take_for(&s, &a), second;

	(void)state;
	for (uint32_t i = 1; i < SEQUENCER_TICKETS; i++) { /* as far ahead of it as is possible */
		second = take_for(&s, &b);
		assert_int_equal(second.number, i);
		ticket_wait_output(&second);
		ticket_pass_output(&second);
		assert_false(sequencer_has_passed(&s, i));
		assert_false(sequencer_is_idle(&s));
	}
	ticket_wait_output(&first);
	ticket_pass_output(&first);
	assert_true(sequencer_has_passed(&s, SEQUENCER_TICKETS - 1));
	assert_true(sequencer_is_idle(&s));
	second = take_for(&s, &a); /* what it follows has the same place */
	ticket_wait_output(&second);
	ticket_pass_output(&second);
	assert_true(sequencer_is_idle(&s));
}

static _Atomic bool has_passed;

static void *pass_output(void *ctx)
{
	struct ticket *t = ctx;

	ticket_wait_output(t);
	atomic_store(&has_passed, true);
	ticket_pass_output(t);
	return NULL;
}

static bool is_asleep(const struct departure *d)
{
	return atomic_load(&d->n_sleeping) > 0;
}

static void a_batch_sleeps_until_the_one_before_of_its_peer_has_left(void **state)
{
	static struct departure all[SEQUENCER_TICKETS];
	struct sequencer s = { .departures = all };
	uint32_t peer = 0;
	struct ticket first = take_for(&s, &peer), second = take_for(&s, &peer);
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, pass_output, &second), 0);
	while (!is_asleep(&all[first.number]))
		sched_yield();
	assert_false(atomic_load(&has_passed));
	ticket_wait_output(&first);
	ticket_pass_output(&first);
	pthread_join(thread, NULL);
	assert_true(sequencer_is_idle(&s));
}

static _Atomic bool first_left;

static void *wait_for_all(void *ctx)
{
	struct ticket *t = ctx;

	ticket_wait_output(t);
	assert_true(atomic_load(&first_left));
	ticket_pass_output(t);
	return NULL;
}

/* Of another peer, but with packets for control. */
static void a_batch_that_follows_all_waits(void **state)
{
	static struct departure all[SEQUENCER_TICKETS];
	struct sequencer s = { .departures = all };
	uint32_t a = UINT32_MAX;
	struct ticket first = take_for(&s, &a), second = { .sequencer = &s, .is_last_batch = true };
	pthread_t thread;

	(void)state;
	ticket_take(&second);
	ticket_wait_counters(&second);
	ticket_follow_all(&second);
	ticket_pass_counters(&second);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_all, &second), 0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	ticket_wait_output(&first);
	atomic_store(&first_left, true);
	ticket_pass_output(&first);
	pthread_join(thread, NULL);
	assert_true(sequencer_is_idle(&s));
}

static void one_ticket_holds_several_batches_of_a_peer(void **state)
{
	static struct departure all[SEQUENCER_TICKETS];
	struct sequencer s = { .departures = all };
	uint32_t peer = 0, later;
	struct ticket t = { .sequencer = &s };

	(void)state;
	for (int i = 0; i < 3; i++) {
		t.is_last_batch = i == 2;
		ticket_take(&t);
		ticket_wait_counters(&t);
		ticket_follow(&t, &peer);
		ticket_pass_counters(&t);
		ticket_wait_output(&t); /* does not wait for itself */
		ticket_pass_output(&t);
	}
	later = UINT32_MAX; /* of a number that does not exist any more, or not yet */
	t = take_for(&s, &later);
	ticket_wait_output(&t);
	ticket_pass_output(&t);
	assert_int_equal(later, t.number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_pass_each_stage_in_ticket_order),
		cmocka_unit_test(ticket_numbers_wrap_around),
		cmocka_unit_test(batches_are_in_flight_until_they_pass_the_output_stage),
		cmocka_unit_test(a_ticket_holds_the_stages_until_its_last_batch),
		cmocka_unit_test(only_the_holder_of_a_stage_passes_it),
		cmocka_unit_test(batches_of_a_peer_leave_in_ticket_order),
		cmocka_unit_test(batches_of_other_peers_do_not_wait),
		cmocka_unit_test(a_batch_sleeps_until_the_one_before_of_its_peer_has_left),
		cmocka_unit_test(a_batch_that_follows_all_waits),
		cmocka_unit_test(one_ticket_holds_several_batches_of_a_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
