/* Which device is slow, from the bytes that wait in the socket of all: many simulated paths through devices of different
 * speeds, of each of which too little is sent to tell it from others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/io/slow_paths.h"

enum {
	PATHS = 5000, DEVICES = 5, FAST = 4, /* the last device sends everything at once */
	MEMORY = 1280,                       /* that the kernel counts for a small datagram */
	SHARED_MAX = 8 << 20, OWN_MAX = 2 << 20,
};

static struct slow_paths slow;
static struct wg_path paths[PATHS], innocent;
static uint64_t now_ns;
static uint32_t shared[DEVICES]; /* bytes that wait in the shared socket, by device */
static uint32_t own[SLOW_SOCKETS];
static uint32_t leaves_per_ms[DEVICES];
static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 8) % n;
}

static struct wg_path path_of(uint32_t i, uint32_t device)
{
	const uint8_t b[4] = { 10, 50, (uint8_t)(i >> 8), (uint8_t)i };

	return (struct wg_path){ .remote = { .addr = ip_v4(b), .port = 5000 }, .route_ifindex = device };
}

static int begin(void **state)
{
	(void)state;
	memset(&slow, 0, sizeof slow);
	memset(own, 0, sizeof own);
	memset(shared, 0, sizeof shared);
	now_ns = 1000 * NS_PER_S;
	random_state = 1;
	for (uint32_t i = 0; i < PATHS; i++)
		paths[i] = path_of(i, 1);
	for (unsigned int d = 0; d < DEVICES; d++)
		leaves_per_ms[d] = 300;
	innocent = path_of(60000, FAST);
	return 0;
}

static uint32_t all_shared(void)
{
	uint32_t sum = 0;

	for (unsigned int d = 0; d < DEVICES; d++)
		sum += shared[d];
	return sum;
}

/* False: its socket is full. */
static bool send_to(const struct wg_path *path, unsigned int device, uint32_t bytes, uint32_t memory)
{
	int socket = slow_paths_find(&slow, path, now_ns);
	bool is_slow;

	if (socket >= 0) {
		if (own[socket] + memory > OWN_MAX)
			return false;
		own[socket] += device == FAST ? 0 : memory;
		return true;
	}
	shared[device] += device == FAST ? 0 : memory;
	slow_paths_sent(&slow, path, bytes);
	if (!slow_paths_must_measure(&slow))
		return true;
	is_slow = slow_paths_measured(&slow, all_shared(), SLOW_STEP_BYTES);
	slow_paths_renew(&slow, now_ns);
	if (is_slow)
		slow_paths_separate(&slow, own, now_ns);
	return true;
}

static void pass_ms(void)
{
	now_ns += NS_PER_MS;
	for (unsigned int d = 0; d < DEVICES; d++)
		shared[d] -= shared[d] < leaves_per_ms[d] ? shared[d] : leaves_per_ms[d];
	for (unsigned int i = 0; i < SLOW_SOCKETS; i++)
		own[i] -= own[i] < 300 ? own[i] : 300;
}

/* 16 datagrams in each millisecond, to n paths in turn or in random order, through these devices; and one to another peer, which
 * never finds its socket full. */
static void crowd(uint32_t n, uint32_t devices, uint32_t bytes, uint32_t memory, bool in_turn, uint32_t ms)
{
	for (uint32_t i = 0; i < ms * 16; i++) {
		uint32_t k = in_turn ? i % n : random_below(n);
		(void)send_to(&paths[k], k % devices, bytes, memory);
		if (i % 16 == 0) {
			assert_true(send_to(&innocent, FAST, bytes, memory));
			assert_in_range(all_shared(), 0, SHARED_MAX);
			pass_ms();
		}
	}
}

static void through(uint32_t devices)
{
	for (uint32_t i = 0; i < PATHS; i++)
		paths[i].route_ifindex = 1 + i % devices;
	innocent.route_ifindex = 1 + FAST;
}

static void a_crowd_behind_a_slow_device_gets_one_socket(void **state)
{
	static const uint32_t sizes[] = { 80, 120, 180, 250, 1000, 5000 };

	(void)state;
	for (size_t k = 0; k < 4 * ARRAY_LEN(sizes); k++) {
		uint32_t n = sizes[k / 4], bytes = k % 2 ? 92 : 1404, memory = k % 2 ? MEMORY : 2304;
		begin(NULL);
		through(1);
		crowd(n, 1, bytes, memory, k / 2 % 2, 60000);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(slow_paths_find(&slow, &paths[i], now_ns), slow_paths_find(&slow, &paths[0], now_ns));
		assert_true(slow_paths_find(&slow, &paths[0], now_ns) >= 0);
		assert_true(slow_paths_has_slow_device(&slow, &paths[0], now_ns));
		assert_int_equal(slow_paths_find(&slow, &innocent, now_ns), -1);
	}
}

static void crowds_behind_three_slow_devices_get_three_sockets(void **state)
{
	int socket[3];

	(void)state;
	through(3);
	crowd(1000, 3, 92, MEMORY, true, 60000);
	for (unsigned int i = 0; i < 3; i++) {
		socket[i] = slow_paths_find(&slow, &paths[i], now_ns);
		assert_true(socket[i] >= 0);
	}
	assert_true(socket[0] != socket[1] && socket[1] != socket[2] && socket[0] != socket[2]);
}

/* The devices of the crowd are not known, and that of the other peer is. */
static void a_device_is_not_slow_because_others_are_unknown(void **state)
{
	struct wg_path others[200];

	(void)state;
	through(1);
	for (uint32_t i = 0; i < PATHS; i++)
		paths[i].route_ifindex = 0;
	for (uint32_t i = 0; i < ARRAY_LEN(others); i++)
		others[i] = path_of(50000 + i, 1 + FAST);
	for (uint32_t i = 0; i < 200000; i++) {
		(void)send_to(&paths[random_below(1000)], 0, 92, MEMORY);
		if (i % 16 == 0) {
			(void)send_to(&others[random_below(ARRAY_LEN(others))], FAST, 92, MEMORY);
			pass_ms();
		}
		assert_false(slow_paths_has_slow_device(&slow, &others[0], now_ns));
	}
	assert_true(slow.n > 0);
	assert_true(slow_paths_needs_devices(&slow));
}

/* A class of a queueing discipline is slow, for one path among many. */
static void a_slow_path_of_a_fast_device_is_alone(void **state)
{
	(void)state;
	through(1);
	for (uint32_t i = 0; i < 100000; i++) {
		assert_true(send_to(&paths[1 + random_below(1000)], FAST, 1404, 2304));
		for (uint32_t k = random_below(8) == 0 ? random_below(4) : 0; k > 0; k--)
			(void)send_to(&paths[0], 0, 1404, 2304);
		if (i % 16 == 0)
			pass_ms();
		assert_in_range(all_shared(), 0, SHARED_MAX);
		assert_false(slow_paths_has_slow_device(&slow, &paths[0], now_ns));
	}
	assert_true(slow_paths_find(&slow, &paths[0], now_ns) >= 0);
}

/* Some classes are slow, and sent more than the fast ones. */
static void some_slow_paths_of_a_fast_device_take_no_fast_one_along(void **state)
{
	enum { SLOW = 20, BYTES = 13000 };

	(void)state;
	through(1);
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t k = random_below(SLOW + 4);
		bool is_sent = send_to(&paths[k], k < SLOW ? 0 : FAST, BYTES, BYTES);
		assert_true(is_sent || k < SLOW);
		assert_false(slow_paths_has_slow_device(&slow, &paths[0], now_ns));
		assert_in_range(all_shared(), 0, 32 << 20);
		if (i % 4 == 0)
			pass_ms();
	}
}

static void a_device_stays_slow_while_bytes_are_left_in_the_shared_socket(void **state)
{
	(void)state;
	leaves_per_ms[0] = 0;
	through(1);
	crowd(1000, 1, 92, MEMORY, false, 120000);
	assert_in_range(all_shared(), 0, 3 * SLOW_STEP_BYTES);
	shared[0] = 0;
	crowd(1, 1, 92, MEMORY, false, 100);
	for (int i = 0; i < 2000; i++) { /* enough for a measurement */
		(void)send_to(&innocent, FAST, 92, MEMORY);
	}
	now_ns += SLOW_PATH_NS;
	assert_false(slow_paths_has_slow_device(&slow, &paths[0], now_ns));
	for (int i = 0; i < 200; i++)
		(void)send_to(&innocent, FAST, 92, MEMORY);
	assert_int_equal(slow.n, 0);
	assert_false(slow_paths_needs_devices(&slow));
}

/* Routes change: paths are with the device through which they lead now. */
static void a_path_that_leads_elsewhere_leaves_the_socket(void **state)
{
	(void)state;
	through(1);
	crowd(1000, 1, 92, MEMORY, false, 5000);
	assert_true(slow_paths_find(&slow, &paths[7], now_ns) >= 0);
	paths[7].route_ifindex = 1 + FAST;
	assert_int_equal(slow_paths_find(&slow, &paths[7], now_ns), -1);
	paths[7].route_ifindex = 0;
	assert_int_equal(slow_paths_find(&slow, &paths[7], now_ns), -1);
}

static void slow_paths_do_not_take_the_place_of_a_device(void **state)
{
	(void)state;
	through(1);
	crowd(1000, 1, 92, MEMORY, false, 5000);
	for (uint32_t k = 0; k < 2 * SLOW_PATHS; k++) {
		paths[k].route_ifindex = 0;
		for (int i = 0; i < 40; i++)
			(void)send_to(&paths[k], 1, 60000, 60000);
	}
	assert_int_equal(slow.n, SLOW_PATHS);
	assert_true(slow_paths_has_slow_device(&slow, &paths[999], now_ns));
}

static void more_devices_than_are_observed(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct wg_path path = path_of(i % 1000, 100 + i % 50);
		(void)send_to(i % 16 == 0 ? &innocent : &path, FAST, 92, MEMORY);
	}
	assert_int_equal(slow.n, 0);
	assert_false(slow_paths_needs_devices(&slow));
	through(1); /* one that is slow is found among them */
	for (uint32_t i = 0; i < 100000; i++) {
		struct wg_path path = path_of(10000 + i % 1000, 100 + i % 50);
		(void)send_to(i % 4 == 0 ? &path : &paths[random_below(1000)], i % 4 == 0 ? FAST : 0, 92, MEMORY);
		if (i % 16 == 0)
			pass_ms();
		assert_in_range(all_shared(), 0, SHARED_MAX);
	}
	assert_true(slow_paths_has_slow_device(&slow, &paths[0], now_ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_crowd_behind_a_slow_device_gets_one_socket, begin),
		cmocka_unit_test_setup(crowds_behind_three_slow_devices_get_three_sockets, begin),
		cmocka_unit_test_setup(a_device_is_not_slow_because_others_are_unknown, begin),
		cmocka_unit_test_setup(a_slow_path_of_a_fast_device_is_alone, begin),
		cmocka_unit_test_setup(some_slow_paths_of_a_fast_device_take_no_fast_one_along, begin),
		cmocka_unit_test_setup(a_device_stays_slow_while_bytes_are_left_in_the_shared_socket, begin),
		cmocka_unit_test_setup(a_path_that_leads_elsewhere_leaves_the_socket, begin),
		cmocka_unit_test_setup(slow_paths_do_not_take_the_place_of_a_device, begin),
		cmocka_unit_test_setup(more_devices_than_are_observed, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
