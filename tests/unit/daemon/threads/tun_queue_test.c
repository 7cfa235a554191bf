/* When packets wait between the TUN and sealing, how super-packets wait, and that all of them are counted. The tunnel has no
 * peer: what leaves the queue is dropped for that reason, and counted. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "daemon/process/clock.h"
#include "daemon/threads/worker.h"
#include "../../../lib/packet_shape.h"

enum { SEGMENT = 1000, SEGMENTS = 60, SUPER = 40 + SEGMENT * SEGMENTS, SLOW = 3 };

static const struct flow_seed seed = { 3, 4 };
static struct tun_queue *q;
static struct wg_tunnel *tunnel;
static struct worker *w;
static struct udp udp;
static uint64_t now_ns;

uint64_t __wrap_clock_boot_ns(void);

/* It stands still: on a slow machine, packets would wait for too long, and the queue would end. */
uint64_t __wrap_clock_boot_ns(void)
{
	return 1000 * NS_PER_S;
}

static uint8_t spare[OFFLOAD_PACKET_MAX + 1], segment[OFFLOAD_PACKET_MAX + 1];

/* The TUN delivers `left` packets or super-packets of n_flows flows in turn. */
static struct { struct tun tun; unsigned int left, flow, n_flows; bool super, tcp; uint8_t tos; ssize_t error; } in;

static ssize_t fake_read(struct tun *t, unsigned int queue, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	struct shape s = shape_plain;
	uint32_t n;

	(void)queue;
	(void)t;
	if (in.left == 0)
		return in.error;
	in.left--;
	memset(h, 0, sizeof *h);
	s.port = (uint16_t)(1000 + in.flow++ % in.n_flows);
	s.tos = in.tos;
	s.udp = !in.super && !in.tcp;
	s.payload = in.super ? SUPER - 40 : SEGMENT;
	n = shape_make(p, &s);
	assert_true(n <= capacity);
	if (in.super) {
		h->gso = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
			.gso_size = SEGMENT, .hdr_len = 40, .csum_start = 20, .csum_offset = 16,
		};
		store_be16(p + 36, slow_sum(n - 20 + 6 + slow_sum(0, p + 12, 8), p, 0));
	}
	return n;
}

static void env_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	memset(p, 5, n);
}

static void env_realtime(void *ctx, uint64_t *s, uint32_t *ns)
{
	(void)ctx;
	*s = 1;
	*ns = 0;
}

static int begin(void **state)
{
	static const struct tun_ops ops = { "fake", fake_read, NULL };
	static struct icmp icmp = { .v4 = -1, .v6 = -1 };
	const struct wg_env env = { .random = env_random, .realtime = env_realtime };

	(void)state;
	now_ns = clock_boot_ns() - NS_PER_S;
	memset(&in, 0, sizeof in);
	in.tun = (struct tun){ .fd = -1, .ops = &ops };
	in.n_flows = 2;
	udp_init(&udp);
	tunnel = tunnel_new(&env);
	q = tun_queue_new(&seed, now_ns);
	w = tunnel ? worker_new(tunnel, &in.tun, &udp, &icmp) : NULL;
	assert_true(q && w);
	w->queue = q;
	tunnel_up(tunnel, now_ns);
	return 0;
}

static int end(void **state)
{
	(void)state;
	worker_free(w);
	tun_queue_free(q);
	tunnel_free(tunnel);
	return 0;
}

static uint64_t drops(enum wg_drop why)
{
	uint64_t counts[WG_DROP_COUNT];

	tunnel_drops(tunnel, counts);
	return counts[why];
}

static void fill(unsigned int n)
{
	bool good, deleted = false;

	in.left = n;
	assert_int_equal(tun_queue_fill(q, now_ns, &in.tun, 0, spare, segment, &good, &deleted), 0);
	assert_true(good && !deleted);
	assert_int_equal(in.left, 0);
}

static bool take(struct flow_taken *t, struct vnet_header *h)
{
	if (!tun_queue_take(q, now_ns, t, h))
		return false;
	flow_queue_copy(&q->flows, t, spare);
	return true;
}

/* A batch of packets of so many flows. */
static void observe(unsigned int n_flows, bool all)
{
	static uint8_t packets[TUN_QUEUE_SAMPLES][SEGMENT + 40];
	struct tun_queue_sample samples[TUN_QUEUE_SAMPLES];

	in.n_flows = n_flows;
	in.left = TUN_QUEUE_SAMPLES;
	for (size_t i = 0; i < TUN_QUEUE_SAMPLES; i++) {
		struct vnet_header h;
		uint32_t n = (uint32_t)fake_read(&in.tun, 0, &h, packets[i], sizeof packets[i]);
		samples[i] = (struct tun_queue_sample){ packets[i], n, 1 };
	}
	tun_queue_observe(q, now_ns, 0, samples, all ? 0 : TUN_QUEUE_SAMPLES);
}

static void several_flows_wait_if_they_are_not_read_in_time(void **state)
{
	(void)state;
	now_ns += FLOW_QUEUE_TARGET_NS - 1;
	observe(2, false);
	assert_false(tun_queue_is_active(q));
	now_ns += FLOW_QUEUE_TARGET_NS;
	observe(1, false); /* nobody waits behind it */
	assert_false(tun_queue_is_active(q));
	observe(2, true); /* the TUN was emptied */
	assert_false(tun_queue_is_active(q));
	observe(2, false);
	assert_false(tun_queue_is_active(q));
	now_ns += FLOW_QUEUE_TARGET_NS;
	observe(2, false);
	assert_true(tun_queue_is_active(q));
}

/* TCP slows down by itself; what comes next to it may not. */
static void tcp_alone_does_not_wait(void **state)
{
	(void)state;
	in.tcp = true;
	now_ns += FLOW_QUEUE_TARGET_NS;
	observe(2, false);
	assert_false(tun_queue_is_active(q));
	in.tcp = false;
	observe(2, false);
	assert_true(tun_queue_is_active(q));
}

static void activate(void)
{
	now_ns += FLOW_QUEUE_TARGET_NS;
	observe(2, false);
	assert_true(tun_queue_is_active(q));
}

static void take_all(void)
{
	struct vnet_header h;
	struct flow_taken t;

	tun_queue_take_begin(q, &udp, now_ns);
	while (take(&t, &h))
		;
	assert_int_equal(tun_queue_take_end(q, tunnel, now_ns), 0);
}

static void without_a_backlog_nothing_waits_any_more(void **state)
{
	(void)state;
	activate();
	fill(10);
	take_all();
	now_ns += FLOW_QUEUE_INTERVAL_NS - 1;
	take_all();
	assert_true(tun_queue_is_active(q));
	now_ns += 1;
	take_all();
	assert_false(tun_queue_is_active(q));
	assert_int_equal(tun_queue_state(q), TUN_QUEUE_EMPTY);
}

/* One flow alone does not need the queue: what waits leaves, and the TUN is read as before. */
static void one_flow_alone_leaves_the_queue(void **state)
{
	struct vnet_header h;
	struct flow_taken t;

	(void)state;
	activate();
	in.n_flows = 1;
	fill(10);
	for (int i = 0; i < 5; i++)
		assert_true(take(&t, &h));
	assert_false(tun_queue_is_ending(q, now_ns));
	now_ns += FLOW_QUEUE_INTERVAL_NS;
	assert_int_equal(tun_queue_take_end(q, tunnel, now_ns), 0);
	assert_true(tun_queue_is_ending(q, now_ns));
	assert_true(tun_queue_is_active(q));
	take_all();
	assert_false(tun_queue_is_active(q));
}

/* Once nothing but TCP was read for an interval. */
static void tcp_alone_leaves_the_queue(void **state)
{
	(void)state;
	activate();
	for (unsigned int i = 0; i < 4; i++) {
		now_ns += FLOW_QUEUE_INTERVAL_NS / 2;
		in.tcp = i > 0;
		fill(10);
		assert_int_equal(tun_queue_take_end(q, tunnel, now_ns), 0);
		assert_false(tun_queue_is_ending(q, now_ns));
	}
	now_ns += FLOW_QUEUE_INTERVAL_NS / 2;
	assert_true(tun_queue_is_ending(q, now_ns));
	take_all();
	assert_false(tun_queue_is_active(q));
}

/* However long: reading the TUN must not stop. */
static void one_flow_that_waits_for_a_socket_stays(void **state)
{
	struct vnet_header h;
	struct flow_taken t;

	(void)state;
	activate();
	in.n_flows = 1;
	fill(1);
	assert_true(take(&t, &h));
	flow_queue_learn(&q->flows, t.hash, SLOW);
	flow_queue_set_egress(&q->flows, SLOW, 0);
	fill(10);
	for (unsigned int i = 0; i < 3; i++) {
		now_ns += FLOW_QUEUE_INTERVAL_NS;
		take_all();
		assert_int_equal(tun_queue_state(q), TUN_QUEUE_HELD);
		assert_false(tun_queue_is_ending(q, now_ns));
	}
}

static void a_super_packet_waits_as_it_is(void **state)
{
	static uint8_t want[SUPER];
	struct vnet_header h, want_h;
	struct flow_taken t;

	(void)state;
	in.super = true;
	in.left = 1;
	assert_int_equal(fake_read(&in.tun, 0, &want_h, want, SUPER), SUPER);
	in.flow--;
	fill(1);
	assert_int_equal(q->flows.n_packets, 1);
	assert_int_equal(q->flows.n_segments, SEGMENTS);
	assert_true(take(&t, &h));
	assert_int_equal(t.n, SUPER);
	assert_memory_equal(&h, &want_h, sizeof h);
	assert_memory_equal(spare, want, SUPER);
	flow_queue_learn(&q->flows, t.hash, SLOW); /* a slow link takes its segments one by one */
	in.flow--;
	fill(1);
	assert_int_equal(q->flows.n_packets, SEGMENTS);
	assert_int_equal(q->flows.n_segments, SEGMENTS);
}

static void what_is_discarded_is_counted(void **state)
{
	(void)state;
	activate();
	fill(10);
	in.super = true;
	fill(2);
	assert_int_equal(tun_queue_discard(q, now_ns, tunnel, WG_DROP_DOWN), 10 + 2 * SEGMENTS);
	assert_int_equal(drops(WG_DROP_DOWN), 10 + 2 * SEGMENTS);
	assert_int_equal(tun_queue_waiting(q), 0);
	assert_false(tun_queue_is_active(q));
}

static void an_error_of_the_device_is_reported(void **state)
{
	bool good, deleted = false;

	(void)state;
	in.error = -EBADFD;
	assert_int_equal(tun_queue_fill(q, now_ns, &in.tun, 0, spare, segment, &good, &deleted), 0);
	assert_true(!good && deleted);
}

/* ---- with a worker ---- */

/* n packets have left; some were dropped because they had waited too long. */
static void expect_left(uint64_t n)
{
	assert_int_equal(drops(WG_DROP_NO_PEER) + drops(WG_DROP_FLOW_DELAY), n);
	assert_int_equal(drops(WG_DROP_FLOW_FULL), 0);
	assert_int_equal(counter_read(&w->counters.tun_packets), n);
}

static void serve(unsigned int n)
{
	in.left = n;
	while (in.left > 0)
		worker_serve_tun(w);
}

static void a_worker_sends_what_waits(void **state)
{
	(void)state;
	now_ns = clock_boot_ns() - FLOW_QUEUE_TARGET_NS;
	activate();
	serve(100);
	expect_left(100);
	in.super = true;
	serve(20); /* more than a batch */
	assert_int_equal(tun_queue_state(q), TUN_QUEUE_READY);
	assert_true(drops(WG_DROP_NO_PEER) < 100 + 20 * SEGMENTS);
	while (tun_queue_state(q) == TUN_QUEUE_READY)
		worker_serve_tun(w);
	expect_left(100 + 20 * SEGMENTS);
}

static void everything_leaves_before_a_hand_over(void **state)
{
	struct vnet_header h;
	struct flow_taken t;

	(void)state;
	fill(1);
	assert_true(take(&t, &h));
	flow_queue_learn(&q->flows, t.hash, SLOW);
	flow_queue_set_egress(&q->flows, SLOW, 0);
	in.super = true;
	fill(30);
	worker_send_queued(w, q);
	expect_left(30 * SEGMENTS);
	assert_int_equal(tun_queue_state(q), TUN_QUEUE_EMPTY);
}

/* CoDel: packets have waited for a second when the first is taken, and still do 100 ms later. */
static void of_a_super_packet_that_waited_one_segment_is_dropped(void **state)
{
	struct vnet_header h;
	struct flow_taken t;

	(void)state;
	in.super = true;
	in.n_flows = 1;
	fill(4);
	now_ns = clock_boot_ns() - 2 * FLOW_QUEUE_INTERVAL_NS;
	assert_true(take(&t, &h));
	worker_send_queued(w, q);
	expect_left(3 * SEGMENTS);
	assert_int_equal(drops(WG_DROP_FLOW_DELAY), 1);
}

static void a_packet_with_ecn_is_marked_and_not_dropped(void **state)
{
	struct vnet_header h;
	struct flow_taken t;

	(void)state;
	in.n_flows = 1;
	for (unsigned int super = 0; super <= 1; super++) {
		now_ns = clock_boot_ns() - NS_PER_S;
		in.super = super;
		in.tos = 2;
		fill(super ? 4 : 100);
		now_ns = clock_boot_ns() - 2 * FLOW_QUEUE_INTERVAL_NS;
		assert_true(take(&t, &h));
		worker_send_queued(w, q);
		expect_left(super ? 99 + 3 * SEGMENTS : 99);
		assert_int_equal(drops(WG_DROP_FLOW_DELAY), 0);
		if (!super) /* it is where the first packet of the batch was */
			assert_int_equal(w->bufs[0].src[1], 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(several_flows_wait_if_they_are_not_read_in_time, begin, end),
		cmocka_unit_test_setup_teardown(without_a_backlog_nothing_waits_any_more, begin, end),
		cmocka_unit_test_setup_teardown(one_flow_alone_leaves_the_queue, begin, end),
		cmocka_unit_test_setup_teardown(tcp_alone_does_not_wait, begin, end),
		cmocka_unit_test_setup_teardown(tcp_alone_leaves_the_queue, begin, end),
		cmocka_unit_test_setup_teardown(one_flow_that_waits_for_a_socket_stays, begin, end),
		cmocka_unit_test_setup_teardown(a_super_packet_waits_as_it_is, begin, end),
		cmocka_unit_test_setup_teardown(what_is_discarded_is_counted, begin, end),
		cmocka_unit_test_setup_teardown(an_error_of_the_device_is_reported, begin, end),
		cmocka_unit_test_setup_teardown(a_worker_sends_what_waits, begin, end),
		cmocka_unit_test_setup_teardown(everything_leaves_before_a_hand_over, begin, end),
		cmocka_unit_test_setup_teardown(of_a_super_packet_that_waited_one_segment_is_dropped, begin, end),
		cmocka_unit_test_setup_teardown(a_packet_with_ecn_is_marked_and_not_dropped, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
