/* The replay window: the single and bulk cases of the Linux kernel's self-test, and a random walk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/replay.h"

#define LIM ((uint64_t)REPLAY_WINDOW + 1)
#define REJECT REJECT_AFTER_MESSAGES

static struct wg_replay r;

static int fresh(void **state)
{
	(void)state;
	memset(&r, 0, sizeof r);
	return 0;
}

static void test_constants(void **state)
{
	(void)state;
	assert_int_equal(REPLAY_WINDOW, 8128);
	assert_true(REJECT == 0ull - 8192 - 1); /* 2^64 - 2^13 - 1 */
}

static void test_numbered_cases(void **state)
{
	static const struct {
		uint64_t counter;
		bool accepted;
	} steps[] = {
		{ 0, true }, { 1, true }, { 1, false }, { 9, true }, { 8, true }, { 7, true },
		{ 7, false }, { LIM, true }, { LIM - 1, true }, { LIM - 1, false }, { LIM - 2, true },
		{ 2, true }, { 2, false }, { LIM + 16, true }, { 3, false }, { LIM + 16, false },
		{ LIM * 4, true }, { LIM * 4 - (LIM - 1), true }, { 10, false },
		{ LIM * 4 - LIM, false }, { LIM * 4 - (LIM + 1), false },
		{ LIM * 4 - (LIM - 2), true }, { LIM * 4 + 1 - LIM, false }, { 0, false },
		{ REJECT, false }, { REJECT - 1, true }, { REJECT, false }, { REJECT - 1, false },
		{ REJECT - 2, true }, { REJECT + 1, false }, { REJECT + 2, false },
		{ REJECT - 2, false }, { REJECT - 3, true }, { 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		assert_int_equal(replay_accept(&r, steps[i].counter), steps[i].accepted);
}

/* Counters from `from` to `to`, in either direction, are accepted once each. */
static void accept_range(uint64_t from, uint64_t to)
{
	for (uint64_t i = from;; i = from < to ? i + 1 : i - 1) {
		assert_true(replay_accept(&r, i));
		if (i == to)
			break;
	}
}

static void test_bulk_cases(void **state)
{
	(void)state;
	accept_range(1, REPLAY_WINDOW);
	assert_true(replay_accept(&r, 0));
	assert_false(replay_accept(&r, 0));
	fresh(state);
	accept_range(2, LIM);
	assert_true(replay_accept(&r, 1));
	assert_false(replay_accept(&r, 0));
	fresh(state);
	accept_range(REPLAY_WINDOW, 0);
	fresh(state);
	accept_range(LIM, 1);
	assert_false(replay_accept(&r, 0));
	fresh(state);
	accept_range(REPLAY_WINDOW, 1);
	assert_true(replay_accept(&r, LIM));
	assert_false(replay_accept(&r, 0));
	fresh(state);
	accept_range(REPLAY_WINDOW, 1);
	assert_true(replay_accept(&r, 0));
	assert_true(replay_accept(&r, LIM));
}

static void test_window_edge(void **state)
{
	(void)state;
	assert_true(replay_accept(&r, 100000));
	assert_true(replay_accept(&r, 100000 - 8128));
	assert_false(replay_accept(&r, 100000 - 8129));
}

/* Compares with an array of all counters that were accepted. */
static void test_random_walk(void **state)
{
	static bool seen[200000];
	uint64_t greatest = 0, x = 1;

	(void)state;
	memset(seen, 0, sizeof seen);
	for (int i = 0; i < 400000; i++) {
		uint64_t counter, want;

		x = x * 6364136223846793005ull + 1442695040888963407ull;
		counter = greatest + (x >> 33) % 9000;
		counter = counter > 8700 ? counter - 8700 : 0;
		if ((x >> 20) % 64 == 0)
			counter = greatest + (x >> 33) % 30;
		if (counter >= ARRAY_LEN(seen))
			break;
		want = !seen[counter] && counter + REPLAY_WINDOW >= greatest;
		assert_int_equal(replay_accept(&r, counter), want);
		if (!want)
			continue;
		seen[counter] = true;
		greatest = counter > greatest ? counter : greatest;
	}
	assert_true(greatest > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_constants, fresh),
		cmocka_unit_test_setup(test_numbered_cases, fresh),
		cmocka_unit_test_setup(test_bulk_cases, fresh),
		cmocka_unit_test_setup(test_window_edge, fresh),
		cmocka_unit_test_setup(test_random_walk, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
