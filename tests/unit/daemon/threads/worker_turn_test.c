/* Several threads: the turn to read the TUN ends before super-packets are split. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../../../lib/worker_ends.h"

enum { MIXED = 9 };
static struct { unsigned int n, expected; uint8_t packets[40][1600]; uint32_t sizes[40]; } mixed;

static void expect(const uint8_t *packet, uint32_t n)
{
	memcpy(mixed.packets[mixed.expected], packet, n);
	mixed.sizes[mixed.expected++] = n;
}

/* Plain packets before and after super-packets, and in between one that is no packet. */
static void offer_mixed(void)
{
	struct shape s = shape_plain;
	struct split split;
	static uint8_t copy[TUN_BYTES];
	uint8_t segment[1600];
	uint32_t n;

	if (mixed.n == MIXED) {
		a.in_n = 0;
		return;
	}
	if (mixed.n == 4) {
		a.in_n = 40;
		a.in_header = (struct vnet_header){ .gso.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 }; /* without its size */
	} else if (mixed.n % 3 == 2) {
		n = offer_super(2500 + mixed.n);
		memcpy(copy, a.in, n);
		assert_true(split_begin(&split, &a.in_header, copy, n));
		while ((n = split_size(&split)) > 0) {
			split_next(&split, segment);
			expect(segment, n);
		}
	} else {
		s.udp = true;
		s.payload = 100 + mixed.n;
		n = offer(&s);
		expect(a.in, n);
	}
	mixed.n++;
}

static struct worker *new_data_worker(struct worker_shared *all)
{
	struct worker *w = worker_new(a.tunnel, &a.tun, &a.udp, &a.icmp);

	all->many_threads = true;
	assert_non_null(w);
	assert_true(brlock_init(&all->tunnel_lock) && worker_share(w, all));
	return w;
}

static int open_both_with_session(void **state)
{
	const struct shape s = shape_plain;

	(void)open_both(state);
	run_until_received(offer(&s));
	return 0;
}

static void packets_are_split_after_the_turn_to_read(void **state)
{
	static struct worker_shared all;
	struct sequencer order = { 0 };
	struct worker *w = new_data_worker(&all);
	struct ticket *ticket = &w->ticket;

	(void)state;
	ticket->sequencer = &order;
	for (int round = 0; round < 3; round++) {
		size_t at = 0;
		uint64_t refused = dropped_at(&a, WG_DROP_TUN_READ);
		b.tun.join = 0;
		b.frames = b.out_n = 0;
		mixed.n = mixed.expected = 0;
		a.offer_next = offer_mixed;
		assert_true(worker_read_tun(w));
		a.offer_next = NULL;
		assert_int_equal(w->n_reads, MIXED);
		assert_int_equal(w->batch.n, 0); /* nothing was split */
		assert_in_range(w->read_packets, mixed.expected, mixed.expected + 1);
		ticket_take(ticket);
		worker_seal_and_send(w);
		assert_false(ticket->is_held || worker_has_read(w));
		assert_int_equal(dropped_at(&a, WG_DROP_TUN_READ), refused + 1);
		for (int i = 0; i < 1000 && b.frames < mixed.expected; i++)
			run(&b);
		assert_int_equal(b.frames, mixed.expected);
		for (unsigned int i = 0; i < mixed.expected; at += b.sizes[i++]) {
			assert_int_equal(b.sizes[i], mixed.sizes[i]);
			assert_memory_equal(b.out + at, mixed.packets[i], b.sizes[i]);
		}
	}
	worker_free(w);
}

/* More packets than a batch has space for: they leave in parts, all in the turn of this ticket, and in order. */
static void a_batch_that_grows_when_it_is_split_leaves_in_order(void **state)
{
	enum { PAYLOAD = 66, PACKETS = 990 };
	static struct worker_shared all;
	struct sequencer order = { 0 };
	struct worker *w = new_data_worker(&all);
	size_t at = 0;

	(void)state;
	w->ticket.sequencer = &order;
	b.tun.join = 0;
	b.frames = b.out_n = 0;
	(void)offer_super(PAYLOAD * PACKETS);
	a.in_header.gso.gso_size = PAYLOAD;
	w->batch.n = 100; /* as if a part had been split already */
	for (size_t i = 0; i < w->batch.n; i++)
		w->bufs[i] = (struct wg_buf){ .verdict = WG_DONE };
	assert_true(worker_read_tun(w));
	assert_int_equal(w->n_reads, 1);
	ticket_take(&w->ticket);
	worker_seal_and_send(w);
	assert_false(w->ticket.is_held || worker_has_read(w));
	assert_int_equal(sequencer_in_flight(&order), 0);
	for (int i = 0; i < 1000 && b.frames < PACKETS; i++)
		run(&b);
	assert_int_equal(b.frames, PACKETS);
	for (unsigned int i = 0; i < PACKETS; at += b.sizes[i++])
		assert_int_equal(load_be32(b.out + at + 24) - load_be32(b.out + 24), i * PAYLOAD);
	worker_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_split_after_the_turn_to_read),
		cmocka_unit_test(a_batch_that_grows_when_it_is_split_leaves_in_order),
	};

	return cmocka_run_group_tests(tests, open_both_with_session, close_both);
}
