/* The flow queue: order, turns by bytes, CoDel's drops at the times of RFC 8289, bounded memory, and egresses that take no
 * more. Time is simulated. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/threads/flow_queue.h"

enum { A = 1, B = 2, C = 3, PACKET = 1000, SLOW = 5 };

static struct flow_queue *q;
static uint8_t *memory, packet[FLOW_QUEUE_PACKET_MAX], taken[FLOW_QUEUE_PACKET_MAX];
static uint64_t now_ns, from; /* from: the flow of the packet taken */
static bool is_marked;        /* likewise */
static const struct flow_info plain = { .segments = 1, .note = { [FLOW_QUEUE_NOTE_BYTES - 1] = 77 } };

static int begin(void **state)
{
	const struct flow_seed seed = { 1, 2 };

	(void)state;
	q = malloc(sizeof *q);
	memory = malloc(FLOW_QUEUE_BYTES);
	assert_true(q && memory);
	flow_queue_init(q, memory, &seed);
	now_ns = 1000 * NS_PER_S;
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(q);
	free(memory);
	return 0;
}

static uint64_t hash_of(uint64_t flow)
{
	return flow * 0x9e3779b97f4a7c15;
}

/* The packet begins with its flow and number. */
static void add(uint64_t flow, uint32_t number, uint32_t n)
{
	memset(packet, (int)(flow + number), n);
	store_be64(packet, flow);
	store_be32(packet + 8, number);
	flow_queue_add(q, now_ns, hash_of(flow), packet, n, &plain);
}

static uint32_t take(void)
{
	struct flow_taken t;

	if (!flow_queue_take(q, now_ns, &t))
		return 0;
	is_marked = t.must_mark;
	assert_int_equal(flow_queue_info(q, &t)->note[FLOW_QUEUE_NOTE_BYTES - 1], plain.note[FLOW_QUEUE_NOTE_BYTES - 1]);
	flow_queue_copy(q, &t, taken);
	from = load_be64(taken);
	assert_true(t.hash == hash_of(from));
	return t.n;
}

static void expect(uint64_t flow, uint32_t number, uint32_t n)
{
	assert_int_equal(take(), n);
	assert_int_equal(from, flow);
	assert_int_equal(load_be32(taken + 8), number);
	for (uint32_t i = 12; i < n; i++)
		assert_int_equal(taken[i], (uint8_t)(flow + number));
}

static void expect_empty(void)
{
	assert_int_equal(take(), 0);
	assert_int_equal(q->n_packets, 0);
	assert_int_equal(q->n_flows, 0);
	assert_int_equal(q->n_free_chunks, FLOW_QUEUE_CHUNKS);
}

static void packets_of_a_flow_stay_in_order(void **state)
{
	static const uint32_t sizes[] = { 20, 2048, 2049, 1420, 65535, 64, 4096, 9000 };

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(sizes); i++)
		add(A, i, sizes[i]);
	for (uint32_t i = 0; i < ARRAY_LEN(sizes); i++)
		expect(A, i, sizes[i]);
	expect_empty();
}

/* Whatever is added and taken in whatever order, every packet is returned once, in the order of its flow, or counted. */
static void every_packet_is_returned_or_counted(void **state)
{
	uint32_t next[32] = { 0 }, last[32] = { 0 }, returned = 0, added = 0, n;

	(void)state;
	srand(1);
	for (int round = 0; round < 60000; round++) {
		for (int k = rand() % 9; k > 0; k--, added++) {
			uint64_t flow = (uint64_t)(rand() % 32);
			add(flow, ++next[flow], 12 + (uint32_t)rand() % (rand() % 50 ? 1500 : 65000));
		}
		flow_queue_set_egress(q, SLOW, rand() % 3000 - 2500);
		for (int k = rand() % 8; k > 0 && (n = take()) > 0; k--, returned++) {
			assert_true(load_be32(taken + 8) > last[from]);
			last[from] = load_be32(taken + 8);
			flow_queue_learn(q, hash_of(from), from % 3 == 0 ? SLOW : FLOW_QUEUE_OPEN);
		}
		now_ns += (uint64_t)(rand() % 100000);
	}
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	while (take() > 0)
		returned++;
	assert_int_equal(returned + q->dropped_late + q->dropped_full, added);
	assert_true(q->dropped_late > 0 && q->dropped_full > 0 && returned > 1000);
	expect_empty();
}

/* ---- turns ---- */

static void flows_take_turns_by_bytes(void **state)
{
	uint64_t bytes[4] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		add(A, i, 100);
	for (uint32_t i = 0; i < 500; i++)
		add(B, i, 1400);
	for (int i = 0; i < 1500; i++) {
		uint32_t n = take();
		bytes[from] += n;
	}
	/* Both have had as many turns, but for one. */
	assert_true(bytes[A] > 0 && bytes[B] > 0);
	assert_true(bytes[A] + FLOW_QUEUE_QUANTUM + 1400 >= bytes[B] && bytes[B] + FLOW_QUEUE_QUANTUM + 1400 >= bytes[A]);
}

static void a_slow_egress_takes_a_packet_of_each_flow(void **state)
{
	(void)state;
	flow_queue_learn(q, hash_of(A), SLOW);
	flow_queue_learn(q, hash_of(B), SLOW);
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	for (uint32_t i = 0; i < 10; i++) {
		add(A, i, 1514);
		add(B, i, 1514);
	}
	for (uint32_t i = 0; i < 10; i++) {
		expect(A, i, 1514);
		expect(B, i, 1514);
	}
}

static void a_new_flow_comes_first(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		add(A, i, PACKET);
		add(B, i, PACKET);
	}
	for (int i = 0; i < 150; i++) /* both have used up their first turn */
		assert_int_equal(take(), PACKET);
	add(C, 7, 64);
	expect(C, 7, 64);
	assert_int_equal(take(), PACKET);
}

/* A flow whose queue is empty is not new at once, as it would overtake the others again and again (RFC 8290, 4.2). */
static void a_flow_is_new_once(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		add(A, i, PACKET);
	for (int i = 0; i < 70; i++)
		assert_int_equal(take(), PACKET); /* A is old now */
	add(C, 0, 64);
	expect(C, 0, 64);
	assert_int_equal(take(), PACKET); /* C was found empty */
	assert_int_equal(from, A);
	add(C, 1, 64);
	assert_int_equal(take(), PACKET);
	assert_int_equal(from, A);
}

/* ---- CoDel ---- */

static void add_that_waited(uint64_t ns)
{
	store_be64(packet, A);
	flow_queue_add(q, now_ns - ns, hash_of(A), packet, PACKET, &plain);
}

/* A leaves through a slow egress, of which other flows are independent. */
static int begin_slow(void **state)
{
	(void)begin(state);
	flow_queue_learn(q, hash_of(A), SLOW);
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	return 0;
}

/* One flow in which every packet has waited for 6 ms, and one packet leaves each millisecond: the first is dropped after an
 * interval of 100 ms, the next after 100 / sqrt(count) ms more: 100, 70.7, 57.7, 50. */
static void drops_follow_the_control_law(void **state)
{
	static const unsigned int at_ms[] = { 100, 200, 271, 329, 379 };
	unsigned int n = 0;

	(void)state;
	for (uint32_t ms = 0; ms < 390; ms++) {
		uint64_t before = q->dropped_late;
		while (q->n_packets < 20)
			add_that_waited(6 * NS_PER_MS);
		assert_int_equal(take(), PACKET);
		if (q->dropped_late > before) {
			assert_true(n < ARRAY_LEN(at_ms));
			assert_int_equal(ms, at_ms[n++]);
		}
		now_ns += NS_PER_MS;
	}
	assert_int_equal(n, ARRAY_LEN(at_ms));
	assert_int_equal(q->dropped_late, n);
}

/* After a pause, what is overdue is dropped at once: the sum of 1 / sqrt(k) for k from 1 to 32 is just below 10. */
static void overdue_drops_are_made_up_for(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms <= 100; ms++, now_ns += NS_PER_MS) {
		while (q->n_packets < 100)
			add_that_waited(6 * NS_PER_MS);
		assert_int_equal(take(), PACKET);
	}
	assert_int_equal(q->dropped_late, 1);
	now_ns += 999 * NS_PER_MS; /* 1,000 ms after the first drop */
	assert_int_equal(take(), PACKET);
	assert_int_equal(q->dropped_late, 1 + 32);
}

/* Dropping has ended with a count of 5, where it had begun with 1. When it begins again soon, it goes on with 4: the second
 * drop is 100 / sqrt(4) ms after the first. */
static void dropping_goes_on_at_its_last_rate(void **state)
{
	uint64_t first_ns = 0, second_ns = 0;

	(void)state;
	for (uint32_t ms = 0; ms < 700; ms++, now_ns += NS_PER_MS) {
		uint64_t before = q->dropped_late;
		if (ms == 390) /* the wait is short once */
			while (q->n_packets > 0)
				(void)take();
		while (q->n_packets < 20)
			add_that_waited(6 * NS_PER_MS);
		assert_int_equal(take(), PACKET);
		if (before == 5 && q->dropped_late == 6)
			first_ns = now_ns;
		else if (before == 6 && q->dropped_late == 7)
			second_ns = now_ns;
	}
	assert_int_equal(second_ns - first_ns, 50 * NS_PER_MS);
}

/* As drops_follow_the_control_law: the same packets are taken and marked. */
static void marks_follow_the_control_law(void **state)
{
	static const unsigned int at_ms[] = { 100, 200, 271, 329, 379 };
	struct flow_info markable = plain;
	unsigned int n = 0;

	(void)state;
	markable.is_markable = true;
	store_be64(packet, A);
	for (uint32_t ms = 0; ms < 390; ms++) {
		while (q->n_packets < 20)
			flow_queue_add(q, now_ns - 6 * NS_PER_MS, hash_of(A), packet, PACKET, &markable);
		assert_int_equal(take(), PACKET);
		if (is_marked) {
			assert_true(n < ARRAY_LEN(at_ms));
			assert_int_equal(ms, at_ms[n++]);
		}
		now_ns += NS_PER_MS;
	}
	assert_int_equal(n, ARRAY_LEN(at_ms));
	assert_int_equal(q->dropped_late, 0);
}

/* Without a slow socket, turns are long, and what is sent in one of them does not make a queue. */
static void a_turn_is_no_queue(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms < 1000; ms++, now_ns += NS_PER_MS) {
		while (q->n_packets * PACKET < FLOW_QUEUE_QUANTUM)
			add_that_waited(20 * NS_PER_MS);
		assert_int_equal(take(), PACKET);
	}
	assert_int_equal(q->dropped_late, 0);
	for (uint32_t ms = 0; ms < 101; ms++, now_ns += NS_PER_MS) {
		while (q->n_packets * PACKET < FLOW_QUEUE_QUANTUM + 3 * PACKET)
			add_that_waited(20 * NS_PER_MS);
		assert_int_equal(take(), PACKET);
	}
	assert_int_equal(q->dropped_late, 1);
}

static void a_short_wait_drops_nothing(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms < 1000; ms++) {
		while (q->n_packets < 2) /* the second is taken after another millisecond */
			add_that_waited(4 * NS_PER_MS - 1);
		assert_int_equal(take(), PACKET);
		now_ns += NS_PER_MS;
	}
	assert_int_equal(q->dropped_late, 0);
}

/* Once the wait is short, a new interval begins. */
static void a_burst_drops_nothing(void **state)
{
	(void)state;
	for (uint32_t ms = 0; ms < 1000; ms++) {
		uint64_t wait_ns = ms % 100 < 95 ? 50 * NS_PER_MS : 0;
		while (q->n_packets < 20)
			add_that_waited(wait_ns);
		while (q->n_packets > 0)
			assert_int_equal(take(), PACKET);
		now_ns += NS_PER_MS;
	}
	assert_int_equal(q->dropped_late, 0);
}

static void a_few_packets_are_not_dropped(void **state)
{
	enum { KEPT = FLOW_QUEUE_KEPT_SLOW / PACKET };

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		add(A, i, PACKET);
		now_ns += 30 * NS_PER_MS;
		if (i >= KEPT)
			expect(A, i - KEPT, PACKET);
	}
	assert_int_equal(q->dropped_late, 0);
	add(A, 200, PACKET);
	for (uint32_t i = 201; i < 250; i++) {
		add(A, i, PACKET);
		now_ns += 30 * NS_PER_MS;
		(void)take();
	}
	assert_true(q->dropped_late > 0);
}

/* ---- memory ---- */

/* Twenty flows fill the memory. A has waited longest, but has the least bytes. */
static void the_flow_with_the_most_bytes_loses_packets(void **state)
{
	enum { FLOWS = 20, EACH = 2000 };
	uint32_t of_a = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		add(A, i, PACKET);
	for (uint32_t i = 0; i < FLOWS * EACH; i++) {
		uint64_t before = q->dropped_full;
		add(100 + i % FLOWS, i / FLOWS, PACKET);
		assert_in_range(q->dropped_full - before, 0, FLOW_QUEUE_DROPS_AT_ONCE);
	}
	assert_true(q->n_packets <= FLOW_QUEUE_CHUNKS);
	assert_int_equal(q->n_packets + q->dropped_full, 100 + FLOWS * EACH);
	for (uint32_t left = q->n_packets; left > 0; left--) {
		assert_int_equal(take(), PACKET);
		if (from == A)
			assert_int_equal(load_be32(taken + 8), of_a++);
		else
			packet[from - 100] = load_be32(taken + 8) == EACH - 1; /* the oldest were lost */
	}
	assert_int_equal(of_a, 100);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_int_equal(packet[i], 1);
	expect_empty();
}

static void large_packets_are_counted_by_their_bytes(void **state)
{
	enum { LEAST = FLOW_QUEUE_BYTES / 60000 / 2, MOST = FLOW_QUEUE_BYTES / 60000 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		add(100 + i % 20, i, 60000);
	assert_in_range(q->n_packets, LEAST, MOST);
	add(B, 0, 60);
	assert_int_equal(q->n_packets + q->dropped_full, 1001);
}

static void a_flow_has_a_limit_of_its_own(void **state)
{
	enum { MOST = FLOW_QUEUE_FLOW_BYTES / PACKET };

	(void)state;
	for (uint32_t i = 0; i < 2 * MOST; i++)
		add(A, i, PACKET);
	add(B, 0, PACKET);
	assert_int_equal(q->n_packets, MOST + 1);
	assert_int_equal(q->dropped_full, MOST); /* the newest, which nobody copied */
	expect(A, 0, PACKET);
}

/* A flow that neither drops nor marks slow down gets no more once its first packet has waited for 200 ms. */
static void a_flow_does_not_wait_forever(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 7; i++)
		add(A, i, PACKET);
	now_ns += FLOW_QUEUE_WAIT_MAX_NS;
	add(A, 7, PACKET);
	assert_int_equal(q->dropped_full, 0);
	now_ns += 1;
	add(A, 8, PACKET);
	assert_int_equal(q->dropped_full, 1);
	add(B, 0, PACKET);
	assert_int_equal(q->n_packets, 8 + 1);
}

static void drops_are_counted_in_segments(void **state)
{
	const struct flow_info super = { .segments = 43, .note = { [FLOW_QUEUE_NOTE_BYTES - 1] = 77 } };

	(void)state;
	store_be64(packet, A);
	for (uint32_t i = 0; i < 100; i++)
		flow_queue_add(q, now_ns, hash_of(A), packet, 60000, &super);
	assert_int_equal(q->n_segments + q->dropped_full, 100 * 43);
	assert_int_equal(q->dropped_full % 43, 0);
	assert_true(q->dropped_full > 0);
	while (take() > 0)
		;
	assert_int_equal(q->n_segments, 0);
	expect_empty();
}

static void more_flows_than_entries_share(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (uint64_t flow = 0; flow < 4 * FLOW_QUEUE_FLOWS; flow++)
		add(flow, 0, 100);
	assert_int_equal(q->n_flows, FLOW_QUEUE_FLOWS - FLOW_QUEUE_EGRESSES);
	while (take() > 0)
		n++;
	assert_int_equal(n, 4 * FLOW_QUEUE_FLOWS);
	expect_empty();
}

/* ---- egresses ---- */

/* More flows than there are entries wait for an egress that takes nothing: others do not share with them. */
static void many_flows_of_a_full_egress_hold_up_no_others(void **state)
{
	enum { MANY = 3 * FLOW_QUEUE_FLOWS, FIRST = 100000 };

	(void)state;
	for (uint32_t number = 0; number < 8; number++) {
		for (uint64_t flow = FIRST; flow < FIRST + MANY; flow++)
			add(flow, number, 100);
		while (take() > 0) /* of unknown egress, also of those that were forgotten */
			flow_queue_learn(q, hash_of(from), SLOW);
	}
	assert_true(q->n_packets > FLOW_QUEUE_FLOWS);
	assert_in_range(q->n_flows, FLOW_QUEUE_FLOWS_SLOW, FLOW_QUEUE_FLOWS_SLOW + FLOW_QUEUE_EGRESSES);
	for (uint64_t flow = 0; flow < MANY; flow++) {
		add(flow, 0, 100);
		assert_int_equal(take(), 100);
		assert_int_equal(from, flow);
	}
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	while (take() > 0)
		;
	expect_empty();
}

/* Of flows that share, one leaves through a slow egress: the others do not wait with it. */
static void flows_that_share_are_not_learned_as_one(void **state)
{
	uint32_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 4 * FLOW_QUEUE_FLOWS; i++)
		add(i % (2 * FLOW_QUEUE_FLOWS), (uint32_t)i, 100);
	for (; take() > 0; n++)
		flow_queue_learn(q, hash_of(from), from % 3 == 0 ? SLOW : FLOW_QUEUE_OPEN);
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	for (; take() > 0; n++)
		assert_int_equal(from % 3, 0);
	assert_int_equal(n, 4 * FLOW_QUEUE_FLOWS);
	expect_empty();
}

static void a_full_egress_holds_its_flows_only(void **state)
{
	(void)state;
	flow_queue_learn(q, hash_of(A), SLOW);
	flow_queue_set_egress(q, SLOW, 0);
	for (uint32_t i = 0; i < 10; i++) {
		add(A, i, PACKET);
		add(B, i, PACKET);
	}
	for (uint32_t i = 0; i < 10; i++)
		expect(B, i, PACKET);
	assert_int_equal(take(), 0);
	assert_true(flow_queue_is_held(q, SLOW));
	assert_false(flow_queue_is_ready(q));
	flow_queue_set_egress(q, SLOW, 2 * PACKET + 1);
	assert_false(flow_queue_is_held(q, SLOW));
	for (uint32_t i = 0; i < 3; i++) /* the third begins within the limit */
		expect(A, i, PACKET);
	assert_int_equal(take(), 0);
	flow_queue_set_egress(q, SLOW, INT64_MAX);
	for (uint32_t i = 3; i < 10; i++)
		expect(A, i, PACKET);
	expect_empty();
}

static void a_new_flow_comes_first_also_at_a_full_egress(void **state)
{
	(void)state;
	flow_queue_learn(q, hash_of(A), SLOW);
	flow_queue_learn(q, hash_of(B), SLOW);
	flow_queue_learn(q, hash_of(C), SLOW);
	flow_queue_set_egress(q, SLOW, 8 * PACKET);
	for (uint32_t i = 0; i < 20; i++) {
		add(A, i, PACKET);
		add(B, i, PACKET);
	}
	while (take() > 0)
		;
	add(C, 0, 64);
	assert_int_equal(take(), 0);
	flow_queue_set_egress(q, SLOW, PACKET);
	expect(C, 0, 64);
}

static void the_egress_of_a_flow_is_remembered(void **state)
{
	(void)state;
	flow_queue_learn(q, hash_of(A), SLOW);
	flow_queue_set_egress(q, SLOW, PACKET);
	add(A, 0, PACKET);
	expect(A, 0, PACKET);
	expect_empty();
	add(A, 1, PACKET);
	assert_int_equal(take(), 0);
	flow_queue_learn(q, hash_of(A), FLOW_QUEUE_OPEN); /* its path is not slow any more */
	flow_queue_set_egress(q, SLOW, 1);
	expect(A, 1, PACKET);
	add(A, 2, PACKET);
	expect(A, 2, PACKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_of_a_flow_stay_in_order, begin, end),
		cmocka_unit_test_setup_teardown(every_packet_is_returned_or_counted, begin, end),
		cmocka_unit_test_setup_teardown(flows_take_turns_by_bytes, begin, end),
		cmocka_unit_test_setup_teardown(a_slow_egress_takes_a_packet_of_each_flow, begin, end),
		cmocka_unit_test_setup_teardown(a_new_flow_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(a_flow_is_new_once, begin, end),
		cmocka_unit_test_setup_teardown(drops_follow_the_control_law, begin_slow, end),
		cmocka_unit_test_setup_teardown(marks_follow_the_control_law, begin_slow, end),
		cmocka_unit_test_setup_teardown(a_turn_is_no_queue, begin, end),
		cmocka_unit_test_setup_teardown(overdue_drops_are_made_up_for, begin_slow, end),
		cmocka_unit_test_setup_teardown(dropping_goes_on_at_its_last_rate, begin_slow, end),
		cmocka_unit_test_setup_teardown(a_short_wait_drops_nothing, begin_slow, end),
		cmocka_unit_test_setup_teardown(a_burst_drops_nothing, begin_slow, end),
		cmocka_unit_test_setup_teardown(a_few_packets_are_not_dropped, begin_slow, end),
		cmocka_unit_test_setup_teardown(the_flow_with_the_most_bytes_loses_packets, begin, end),
		cmocka_unit_test_setup_teardown(large_packets_are_counted_by_their_bytes, begin, end),
		cmocka_unit_test_setup_teardown(a_flow_has_a_limit_of_its_own, begin, end),
		cmocka_unit_test_setup_teardown(a_flow_does_not_wait_forever, begin_slow, end),
		cmocka_unit_test_setup_teardown(drops_are_counted_in_segments, begin, end),
		cmocka_unit_test_setup_teardown(more_flows_than_entries_share, begin, end),
		cmocka_unit_test_setup_teardown(many_flows_of_a_full_egress_hold_up_no_others, begin, end),
		cmocka_unit_test_setup_teardown(flows_that_share_are_not_learned_as_one, begin, end),
		cmocka_unit_test_setup_teardown(a_full_egress_holds_its_flows_only, begin, end),
		cmocka_unit_test_setup_teardown(a_new_flow_comes_first_also_at_a_full_egress, begin, end),
		cmocka_unit_test_setup_teardown(the_egress_of_a_flow_is_remembered, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
