/* The five timers: every event and every expiry, to the nanosecond (whitepaper section 6). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/timers.h"

static const uint64_t T = 1000 * NS_PER_S;
static struct wg_timers t;

static int fresh(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	timers_init(&t, 12345);
	return 0;
}

static void test_no_timer_runs(void **state)
{
	(void)state;
	assert_true(timers_next(&t) == NEVER);
	assert_int_equal(timers_due(&t, NEVER - 1), 0);
	timers_persistent_now(&t, T); /* it is off */
	assert_true(timers_next(&t) == NEVER);
	assert_true(timers_received(&t, T, false) == NEVER);
	assert_true(timers_sent(&t, T, false) == NEVER);
	assert_true(timers_next(&t) == NEVER);
}

static void test_new_handshake(void **state)
{
	uint64_t at;

	(void)state;
	assert_true(timers_sent(&t, T, true) == T + 15 * NS_PER_S);
	at = timers_next(&t);
	assert_true(at >= T + 15 * NS_PER_S && at < T + 15 * NS_PER_S + 333 * NS_PER_MS);
	/* it runs already and is not restarted */
	assert_true(timers_sent(&t, T + NS_PER_S, true) == NEVER);
	assert_true(timers_next(&t) == at);
	timers_sent(&t, T + NS_PER_S, false);
	assert_true(timers_next(&t) == at);
	assert_int_equal(timers_due(&t, at - 1), 0);
	assert_int_equal(timers_due(&t, at), TIMER_NEW_HANDSHAKE);
	assert_int_equal(timers_due(&t, at), 0);
	timers_sent(&t, T, true);
	timers_received(&t, T + 1, false); /* any authenticated packet stops it */
	assert_true(timers_next(&t) == NEVER);
}

static void test_jitter_spreads(void **state)
{
	uint64_t least = NEVER, most = 0;

	(void)state;
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t at;

		timers_init(&t, (uint32_t)i);
		timers_sent(&t, T + i / 100, true);
		at = timers_next(&t) - i / 100 - T - 15 * NS_PER_S;
		least = at < least ? at : least;
		most = at > most ? at : most;
	}
	assert_true(least < 3 * NS_PER_MS);
	assert_true(most > 330 * NS_PER_MS && most < 333 * NS_PER_MS);
}

static void test_passive_keepalive(void **state)
{
	(void)state;
	assert_true(timers_received(&t, T, true) == T + 10 * NS_PER_S);
	assert_true(timers_next(&t) == T + 10 * NS_PER_S);
	timers_received(&t, T + NS_PER_S, false); /* a keepalive does not start it */
	assert_false(atomic_load(&t.need_another_keepalive));
	assert_int_equal(timers_due(&t, T + 10 * NS_PER_S), TIMER_KEEPALIVE);
	timers_keepalive_again(&t, T + 10 * NS_PER_S);
	assert_true(timers_next(&t) == NEVER);

	timers_received(&t, T, true);
	/* more data: one more keepalive, unless something is sent */
	timers_received(&t, T + 4 * NS_PER_S, true);
	assert_int_equal(timers_due(&t, T + 10 * NS_PER_S), TIMER_KEEPALIVE);
	timers_keepalive_again(&t, T + 10 * NS_PER_S);
	assert_true(timers_next(&t) == T + 20 * NS_PER_S);
	timers_sent(&t, T + 10 * NS_PER_S, false);
	assert_true(timers_next(&t) == NEVER);

	timers_received(&t, T, true);
	timers_sent(&t, T + 1, true);
	assert_int_equal(timers_due(&t, T + 12 * NS_PER_S), 0);
}

static void test_persistent(void **state)
{
	(void)state;
	atomic_store(&t.persistent_s, 25);
	timers_persistent_now(&t, T);
	assert_true(timers_next(&t) == T);
	assert_int_equal(timers_due(&t, T), TIMER_PERSISTENT);
	assert_true(timers_next(&t) == NEVER);
	assert_true(timers_sent(&t, T, false) == T + 25 * NS_PER_S);
	assert_true(timers_next(&t) == T + 25 * NS_PER_S);
	assert_true(timers_received(&t, T + 5 * NS_PER_S, false) == NEVER);
	assert_true(timers_next(&t) == T + 30 * NS_PER_S);
	assert_int_equal(timers_due(&t, T + 30 * NS_PER_S), TIMER_PERSISTENT);
	timers_sent(&t, T + 30 * NS_PER_S, false);
	atomic_store(&t.persistent_s, 0);
	assert_true(timers_next(&t) == NEVER);
	atomic_store(&t.persistent_s, 65535);
	timers_sent(&t, T, false);
	assert_true(timers_next(&t) == T + 65535 * NS_PER_S);
}

static void test_clock_of_zero(void **state)
{
	(void)state;
	atomic_store(&t.persistent_s, 1);
	timers_persistent_now(&t, 0);
	assert_int_equal(timers_due(&t, 0), TIMER_PERSISTENT);
	timers_received(&t, 0, true);
	assert_true(timers_next(&t) == NS_PER_S);
}

static void test_retransmit_and_zero_keys(void **state)
{
	(void)state;
	timers_initiation_sent(&t, T, 100);
	assert_true(timers_next(&t) == T + 5 * NS_PER_S + 100);
	timers_session_derived(&t, T);
	t.attempts = 7;
	timers_handshake_complete(&t);
	assert_int_equal(t.attempts, 0);
	assert_true(timers_next(&t) == T + 540 * NS_PER_S);
	timers_session_derived(&t, T + 1);
	assert_true(timers_next(&t) == T + 540 * NS_PER_S + 1);
	timers_received(&t, T, true);
	timers_gave_up(&t, T + 9); /* the zero-keys timer runs already and keeps its time; no keepalive */
	assert_true(timers_next(&t) == T + 540 * NS_PER_S + 1);
	assert_int_equal(timers_due(&t, T + 540 * NS_PER_S + 1), TIMER_ZERO_KEYS);
	timers_gave_up(&t, T);
	assert_true(timers_next(&t) == T + 540 * NS_PER_S);
	timers_stop(&t);
	assert_true(timers_next(&t) == NEVER);
}

static void test_simultaneous_expiry(void **state)
{
	(void)state;
	atomic_store(&t.persistent_s, 1);
	timers_received(&t, T, true);
	timers_sent(&t, T, true);
	timers_received(&t, T, true);
	timers_sent(&t, T, true);
	timers_initiation_sent(&t, T, 0);
	timers_session_derived(&t, T);
	atomic_store(&t.rx_unanswered_ns, T);
	assert_int_equal(timers_due(&t, T + 1000 * NS_PER_S),
			 TIMER_RETRANSMIT | TIMER_NEW_HANDSHAKE | TIMER_KEEPALIVE |
			 TIMER_PERSISTENT | TIMER_ZERO_KEYS);
	assert_true(timers_next(&t) == NEVER);
}

static void test_clock_behind(void **state)
{
	(void)state;
	assert_int_equal(ns_since(5, 7), 0);
	assert_int_equal(ns_since(7, 5), 2);
	timers_received(&t, T, true);
	timers_sent(&t, T - NS_PER_S, true); /* a thread that read the clock earlier */
	assert_true(timers_next(&t) >= T + 14 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_timer_runs, fresh),
		cmocka_unit_test_setup(test_new_handshake, fresh),
		cmocka_unit_test_setup(test_jitter_spreads, fresh),
		cmocka_unit_test_setup(test_passive_keepalive, fresh),
		cmocka_unit_test_setup(test_persistent, fresh),
		cmocka_unit_test_setup(test_clock_of_zero, fresh),
		cmocka_unit_test_setup(test_retransmit_and_zero_keys, fresh),
		cmocka_unit_test_setup(test_simultaneous_expiry, fresh),
		cmocka_unit_test_setup(test_clock_behind, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
