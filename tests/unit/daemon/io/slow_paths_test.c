/* Which path is slow, from the bytes that wait in the socket of all: simulated paths of different speeds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/io/slow_paths.h"

enum { MESSAGE = 64000, PATHS = 100 };

static struct slow_paths slow;
static struct wg_path paths[PATHS];
static uint64_t now_ns;
static uint64_t shared;                    /* bytes that wait in the shared socket */
static uint32_t own[SLOW_SOCKETS];         /* and in the others */
static unsigned int sent_by_shared[PATHS]; /* messages that are accepted */

static int begin(void **state)
{
	(void)state;
	memset(&slow, 0, sizeof slow);
	memset(own, 0, sizeof own);
	memset(sent_by_shared, 0, sizeof sent_by_shared);
	shared = 0;
	now_ns = 1000 * NS_PER_S;
	for (uint8_t i = 0; i < PATHS; i++) {
		paths[i] = (struct wg_path){ .remote = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, i }), .port = 1 } };
		paths[i].ifindex = i; /* is not a part of the path to the kernel */
	}
	return 0;
}

/* Sends a message along path i, of which `stays` bytes do not leave. Returns the number of its socket. */
static int send_on(unsigned int i, uint32_t bytes, uint32_t stays)
{
	int socket = slow_paths_find(&slow, &paths[i], now_ns);

	if (socket >= 0) {
		own[socket] = own[socket] + stays < 2 << 20 ? own[socket] + stays : 2 << 20;
		return socket;
	}
	sent_by_shared[i]++;
	shared += stays;
	slow_paths_sent(&slow, &paths[i], bytes);
	if (slow_paths_must_measure(&slow) &&
	    slow_paths_measured(&slow, (uint32_t)shared, SLOW_STEP_BYTES))
		slow_paths_separate(&slow, own, now_ns);
	return -1;
}

static void fast_paths_share_a_socket(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10000; i++)
		assert_int_equal(send_on(i % PATHS, MESSAGE, 0), -1);
	assert_int_equal(slow.n, 0);
}

static void what_waits_for_a_moment_is_no_reason(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		assert_int_equal(send_on(i % PATHS, MESSAGE, MESSAGE), -1);
		if (i % 10 == 0)
			shared = 0;
	}
	assert_int_equal(slow.n, 0);
}

static void a_slow_path_gets_a_socket(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		if (i % 3 != 0)
			(void)send_on(0, MESSAGE, 0);
		(void)send_on(1, MESSAGE, MESSAGE);
	}
	assert_int_equal(slow_paths_find(&slow, &paths[0], now_ns), -1);
	assert_int_equal(slow_paths_find(&slow, &paths[1], now_ns), 0);
	assert_in_range(shared, 1, 2 * SLOW_STEP_BYTES);
	paths[1].local = ip_v4((const uint8_t[4]){ 192, 0, 2, 200 }); /* may be another path */
	assert_int_equal(slow_paths_find(&slow, &paths[1], now_ns), -1);
}

/* They are always sent the same between two measurements, so nothing tells which one it is: both get sockets. */
static void a_slow_path_and_one_that_sends_as_much_both_get_sockets(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		(void)send_on(0, MESSAGE, 0);
		(void)send_on(1, MESSAGE, MESSAGE);
	}
	assert_true(slow_paths_find(&slow, &paths[1], now_ns) >= 0);
	assert_int_not_equal(slow_paths_find(&slow, &paths[1], now_ns), slow_paths_find(&slow, &paths[0], now_ns));
	assert_in_range(shared, 1, 3 * SLOW_STEP_BYTES);
}

static void a_path_is_found_among_many_that_send_more(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		for (unsigned int k = 1; k < 10; k++)
			(void)send_on(k, MESSAGE, 0);
		(void)send_on(0, 5000, 5000);
	}
	assert_true(slow_paths_find(&slow, &paths[0], now_ns) >= 0);
	assert_int_equal(slow.n, 1);
}

static void small_datagrams_are_attributed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		(void)send_on(0, 100, 1280); /* the kernel's memory for it */
		if (i % 10 == 0)
			(void)send_on(1, 1400, 0);
	}
	assert_true(slow_paths_find(&slow, &paths[0], now_ns) >= 0);
	assert_int_equal(slow_paths_find(&slow, &paths[1], now_ns), -1);
}

/* What an earlier slow path has left in the shared socket does not hide the next one. */
static void slow_paths_get_sockets_of_their_own(void **state)
{
	bool used[SLOW_SOCKETS] = { false };

	(void)state;
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++) {
		for (unsigned int i = 0; i < 40; i++) {
			(void)send_on(PATHS - 1, MESSAGE, 0);
			(void)send_on(k, MESSAGE, MESSAGE);
			now_ns += 10 * NS_PER_MS;
		}
		int socket = slow_paths_find(&slow, &paths[k], now_ns);
		assert_true(socket >= 0 && !used[socket]);
		used[socket] = true;
	}
	assert_int_equal(slow_paths_find(&slow, &paths[PATHS - 1], now_ns), -1);
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++)
		assert_true(slow_paths_find(&slow, &paths[k], now_ns) >= 0);
}

static void more_slow_paths_share_their_sockets(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 500; i++)
		for (unsigned int k = 0; k < SLOW_PATHS; k++)
			(void)send_on(k, MESSAGE, MESSAGE);
	assert_int_equal(slow.n, SLOW_PATHS);
	for (unsigned int k = 0; k < SLOW_PATHS; k++)
		assert_true(slow_paths_find(&slow, &paths[k], now_ns) >= 0);
	for (unsigned int i = 0; i < 500; i++) /* one more replaces the oldest */
		(void)send_on(SLOW_PATHS, MESSAGE, MESSAGE);
	assert_int_equal(slow.n, SLOW_PATHS);
	assert_true(slow_paths_find(&slow, &paths[SLOW_PATHS], now_ns) >= 0);
}

/* 30 slow paths, found again and again, and one that leaves at once and sends more, in changing order. What waits in the
 * shared socket stays far below its size, and the fast path keeps it. */
static void many_slow_paths_take_no_fast_one_along(void **state)
{
	enum { SLOW = 30, FAST = PATHS - 1, BYTES = 13000, LIMIT = 32 << 20 };
	uint32_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		random = random * 1103515245 + 12345;
		unsigned int k = (random >> 16) % (SLOW + 6);
		(void)send_on(k < SLOW ? k : FAST, BYTES, k < SLOW ? BYTES : 0);
		assert_in_range(shared, 0, LIMIT);
		assert_int_equal(slow_paths_find(&slow, &paths[FAST], now_ns), -1);
		now_ns += NS_PER_MS;
		shared -= shared < 6000 ? shared : 6000; /* of all 30 */
	}
	assert_true(slow.n > 0);
}

/* Nothing waits yet in the sockets of paths that were separated a moment ago: these do not lose them. */
static void a_new_slow_path_keeps_its_socket(void **state)
{
	(void)state;
	for (unsigned int k = 0; k <= SLOW_SOCKETS; k++) {
		for (unsigned int i = 0; i < 20; i++)
			(void)send_on(k, MESSAGE, MESSAGE);
		memset(own, 0, sizeof own);
	}
	for (unsigned int k = 0; k <= SLOW_SOCKETS; k++)
		assert_true(slow_paths_find(&slow, &paths[k], now_ns) >= 0);
}

static void a_path_that_recovered_leaves_its_socket_to_another(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++)
		for (unsigned int i = 0; i < 40; i++)
			(void)send_on(k, MESSAGE, MESSAGE);
	now_ns += SLOW_FILL_NS;
	own[3] = 0;
	unsigned int recovered = 0;
	while (slow_paths_find(&slow, &paths[recovered], now_ns) != 3)
		recovered++;
	for (unsigned int i = 0; i < 40; i++)
		(void)send_on(50, MESSAGE, MESSAGE);
	assert_int_equal(slow_paths_find(&slow, &paths[50], now_ns), 3);
	assert_int_equal(slow_paths_find(&slow, &paths[recovered], now_ns), -1);
}

/* The sockets are full of what another worker sent, but for one. */
static void sockets_that_another_worker_filled_are_avoided(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++)
		own[k] = k == 5 ? 3000 : 2 << 20;
	for (unsigned int i = 0; i < 40; i++)
		(void)send_on(0, MESSAGE, MESSAGE);
	assert_int_equal(slow_paths_find(&slow, &paths[0], now_ns), 5);
	own[2] = 1000; /* less waits here; that one is in use */
	own[4] = 1000;
	for (unsigned int i = 0; i < 40; i++)
		(void)send_on(1, MESSAGE, MESSAGE);
	assert_int_equal(slow_paths_find(&slow, &paths[1], now_ns), 2);
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++)
		own[k] = 1000;
	for (unsigned int i = 0; i < 40; i++) /* of equal ones, an unused one */
		(void)send_on(2, MESSAGE, MESSAGE);
	assert_int_equal(slow_paths_find(&slow, &paths[2], now_ns), 0);
	for (unsigned int k = 0; k < SLOW_SOCKETS; k++)
		own[k] = 1000;
	for (unsigned int i = 0; i < 40; i++)
		(void)send_on(3, MESSAGE, MESSAGE);
	assert_int_equal(slow_paths_find(&slow, &paths[3], now_ns), 1);
}

static void a_path_returns_after_a_while_and_leaves_again_if_it_still_is_slow(void **state)
{
	(void)state;
	for (int round = 0; round < 3 * SLOW_PATHS; round++) {
		while (send_on(1, MESSAGE, MESSAGE) < 0)
			assert_in_range(shared, 0, 3 * SLOW_STEP_BYTES);
		shared = 0;
		assert_int_equal(slow.n, 1);
		now_ns += SLOW_PATH_NS - 1;
		assert_true(slow_paths_find(&slow, &paths[1], now_ns) >= 0);
		now_ns++;
		assert_int_equal(slow_paths_find(&slow, &paths[1], now_ns), -1);
		slow.least = 0;
		slow.waiting = 0;
	}
}

/* What it has left does not leave. It is taken for slow once, and then those that are. */
static void a_path_that_recovered_does_not_hide_slow_ones(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SLOW_STEP_BYTES * 9 / 10 / MESSAGE; i++)
		(void)send_on(0, MESSAGE, MESSAGE);
	for (size_t i = 0; i < SLOW_SUSPECTS; i++)
		slow.suspects[i].stays = 0;
	for (unsigned int i = 0; i < 400; i++)
		(void)send_on(1 + i % 4, MESSAGE, MESSAGE);
	for (unsigned int i = 1; i < 5; i++)
		assert_true(slow_paths_find(&slow, &paths[i], now_ns) >= 0);
	assert_in_range(shared, 1, 3 * SLOW_STEP_BYTES);
}

static void a_small_buffer_has_a_small_step(void **state)
{
	(void)state;
	slow_paths_sent(&slow, &paths[0], SLOW_MEASURE_BYTES);
	assert_false(slow_paths_measured(&slow, 50000, 60000));
	assert_true(slow_paths_measured(&slow, 70000, 60000));
	slow_paths_separate(&slow, own, now_ns);
	assert_int_equal(slow_paths_find(&slow, &paths[0], now_ns), 0);
	assert_false(slow_paths_measured(&slow, 70000, 60000));
	assert_false(slow_paths_measured(&slow, 1000, 60000));
	assert_true(slow_paths_measured(&slow, 61000, 60000));
	slow_paths_separate(&slow, own, now_ns); /* nothing was sent: nobody is suspected */
	assert_int_equal(slow.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fast_paths_share_a_socket, begin),
		cmocka_unit_test_setup(what_waits_for_a_moment_is_no_reason, begin),
		cmocka_unit_test_setup(a_slow_path_gets_a_socket, begin),
		cmocka_unit_test_setup(a_slow_path_and_one_that_sends_as_much_both_get_sockets, begin),
		cmocka_unit_test_setup(a_path_is_found_among_many_that_send_more, begin),
		cmocka_unit_test_setup(small_datagrams_are_attributed, begin),
		cmocka_unit_test_setup(slow_paths_get_sockets_of_their_own, begin),
		cmocka_unit_test_setup(more_slow_paths_share_their_sockets, begin),
		cmocka_unit_test_setup(many_slow_paths_take_no_fast_one_along, begin),
		cmocka_unit_test_setup(a_new_slow_path_keeps_its_socket, begin),
		cmocka_unit_test_setup(a_path_that_recovered_leaves_its_socket_to_another, begin),
		cmocka_unit_test_setup(sockets_that_another_worker_filled_are_avoided, begin),
		cmocka_unit_test_setup(a_path_returns_after_a_while_and_leaves_again_if_it_still_is_slow, begin),
		cmocka_unit_test_setup(a_path_that_recovered_does_not_hide_slow_ones, begin),
		cmocka_unit_test_setup(a_small_buffer_has_a_small_step, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
