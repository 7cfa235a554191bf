/* Two workers with real tunnels and sockets over loopback, and a simulated TUN at each end. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "../../../lib/aborts.h"
#include "../../../lib/worker_ends.h"

static void packets_of_every_size_arrive(void **state)
{
	struct shape s = shape_plain;

	(void)state;
	s.udp = true;
	for (uint32_t payload = 0; payload <= 1392; payload += payload < 70 ? 1 : 97) {
		uint8_t want[1600];
		s.payload = payload;
		uint32_t n = offer(&s);
		memcpy(want, a.in, n);
		b.out_n = b.frames = 0;
		run_until_received(n);
		assert_int_equal(b.frames, 1);
		assert_memory_equal(b.out, want, n);
	}
}

static void super_packets_arrive_split_or_joined(void **state)
{
	(void)state;
	for (unsigned int join = 0; join <= JOIN_TCP; join++) {
		b.tun.join = join;
		b.out_n = b.frames = 0;
		uint32_t n = offer_super(60500), at = 0, payload = 0;
		uint8_t *want = malloc(n);
		memcpy(want, a.in, n);
		while (payload < n - 40) { /* joined in any way */
			run(&a);
			run(&b);
			payload = (uint32_t)(b.out_n - b.frames * 40);
		}
		assert_int_equal(payload, n - 40);
		for (size_t f = 0, seen = 0; f < b.frames; at += b.sizes[f], f++) {
			assert_memory_equal(b.out + at + 40, want + 40 + seen, b.sizes[f] - 40);
			assert_int_equal(load_be16(b.out + at + 2), b.sizes[f]);
			seen += b.sizes[f] - 40;
		}
		if (!join)
			assert_int_equal(b.frames, 61);
		else
			assert_true(b.frames < 61);
		free(want);
	}
}

static unsigned int n_messages, n_iov;

static int counting_send(int fd, struct mmsghdr *m, unsigned int n)
{
	n_messages += n;
	for (unsigned int i = 0; i < n; i++)
		n_iov += (unsigned int)m[i].msg_hdr.msg_iovlen;
	return udp_mmsg_ops.send(fd, m, n);
}

/* 120 packets of 1,040 bytes; 61 of their datagrams fill a message. The datagrams follow each other without a
 * gap, because after the first super-packet the others are read into the spare space. */
static void segments_leave_in_full_messages(void **state)
{
	static const struct udp_ops counting = { "counting", NULL, counting_send };
	const struct udp_ops *before = a.udp.sockets[UDP_V4].ops;
	struct udp_ops ops = counting;

	(void)state;
	if (!a.udp.sockets[UDP_V4].gso)
		skip();
	ops.recv = before->recv;
	a.udp.sockets[UDP_V4].ops = &ops;
	b.tun.join = 0;
	b.out_n = b.frames = 0;
	(void)offer_super(1001);
	run_until_received(b.out_n + 1001 + 80);
	(void)offer_super(60000);
	a.in_again = 1;
	b.out_n = b.frames = 0;
	n_messages = n_iov = 0;
	run_until_received(120 * 1040);
	assert_int_equal(n_messages, 2);
	assert_int_equal(n_iov, 2);
	a.udp.sockets[UDP_V4].ops = before;
}

/* The packet before decides where a packet is read to; its contents do not depend on it. */
static void plain_packets_and_super_packets_alternate(void **state)
{
	(void)state;
	b.tun.join = 0;
	for (uint32_t i = 0; i < 4; i++) {
		uint8_t want[1600];
		struct shape s = shape_plain;
		s.udp = true;
		s.payload = 700 + i;
		uint32_t n = offer(&s);
		memcpy(want, a.in, n);
		b.out_n = b.frames = 0;
		run_until_received(n);
		assert_memory_equal(b.out, want, n);
		uint32_t super = offer_super(2500);
		uint8_t whole[2600];
		memcpy(whole, a.in, super);
		b.out_n = b.frames = 0;
		run_until_received(2500 + 3 * 40);
		for (uint32_t k = 0; k < 3; k++)
			assert_memory_equal(b.out + 1040 * k + 40, whole + 40 + 1000 * k, k < 2 ? 1000 : 500);
	}
}

static void joined_packets_that_the_tun_refuses_are_written_separately(void **state)
{
	static const int errors[] = { -EINVAL, -EIO, -ENOMEM };

	(void)state;
	b.tun.join = JOIN_TCP | JOIN_UDP;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		b.refuse_joined = errors[i];
		b.out_n = b.frames = 0;
		(void)offer_super(10000);
		run_until_received(10000 + 10 * 40);
		assert_int_equal(b.frames, 10);
		b.refuse_joined = 0; /* the next ones are joined as before */
		b.out_n = b.frames = 0;
		(void)offer_super(10000);
		while (b.out_n - b.frames * 40 < 10000) {
			run(&a);
			run(&b);
		}
		assert_true(b.frames < 10);
	}
}

/* A change of the listen port closes the socket; what waits in it is not lost. */
static void a_socket_is_emptied_before_it_is_closed(void **state)
{
	enum { PACKETS = 300 }; /* more than are served at a time */
	struct shape s = shape_plain;

	(void)state;
	s.udp = true;
	b.tun.join = 0;
	b.out_n = b.frames = 0;
	for (int i = 0; i < PACKETS; i++) {
		(void)offer(&s);
		worker_serve_tun(a.worker);
	}
	worker_empty_udp(b.worker, &b.udp.sockets[UDP_V4], NEVER);
	assert_int_equal(b.frames, PACKETS);
	assert_int_equal(udp_receive(&b.udp.sockets[UDP_V4], &b.worker->rx, 1), 0);
}

/* With the smallest datagrams, so that it holds as many as possible, none of which the kernel joins. */
static void a_full_socket_is_emptied_before_it_is_closed(void **state)
{
	static const uint8_t keepalive[32] = { 4 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const _Atomic uint64_t *received = &b.worker->counters.udp_datagrams;
	uint64_t before = counter_read(received), n_sent = 0, n_dropped = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct udp full;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(udp_open(&full, 0, 0, 0), 0);
	to.sin_port = htons(full.port);
	for (; n_dropped == 0; n_dropped = udp_take_dropped(&full))
		for (int i = 0; i < 100; i++, n_sent++)
			assert_int_equal(sendto(fd, keepalive, sizeof keepalive, 0, (struct sockaddr *)&to, sizeof to), sizeof keepalive);
	udp_stop_receiving(&full);
	worker_empty_udp(b.worker, &full.sockets[UDP_V4], NEVER);
	assert_int_equal(udp_receive(&full.sockets[UDP_V4], &b.worker->rx, 1), 0);
	while (counter_read(received) - before + n_dropped < n_sent) /* the last ones arrive */
		n_dropped += udp_take_dropped(&full);
	assert_int_equal(counter_read(received) - before + n_dropped, n_sent);
	close(fd);
	udp_close(&full);
}

static void deletion_of_the_device_is_detected(void **state)
{
	(void)state;
	assert_false(a.worker->tun_deleted);
	a.in_n = -EBADFD;
	worker_serve_tun(a.worker);
	assert_true(a.worker->tun_deleted);
	a.worker->tun_deleted = false;
}

static void waiting_handshakes_are_bounded_and_cause_load(void **state)
{
	const uint8_t loopback[4] = { 127, 0, 0, 1 };
	static uint8_t message[148] = { 1 };
	struct wg_buf bufs[50];
	struct wg_path path = { .remote = { .addr = ip_v4(loopback), .port = b.udp.port } };
	struct wg_batch batch = { bufs, ARRAY_LEN(bufs), &path, 1 };
	struct udp_socket separate = b.udp.sockets[UDP_V4_INITIATIONS], mixed = separate;
	struct handshake_queue *queue = &b.worker->handshakes;
	unsigned int received = 0;

	(void)state;
	mixed.kind = UDP_DATA; /* like a socket for data and handshakes */
	assert_int_equal(separate.kind, UDP_INITIATIONS);
	assert_int_equal(b.worker->under_load_until_ns, 0);
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		bufs[i] = (struct wg_buf){ .dst = message, .out_n = sizeof message, .verdict = WG_TO_UDP };
	while (received < HANDSHAKE_RING + 100) { /* queued, not processed */
		udp_send(&a.udp, &a.worker->tx, &batch, clock_boot_ns());
		received += ARRAY_LEN(bufs);
		worker_serve_udp(b.worker, &b.udp.sockets[UDP_V4]); /* receives none of them */
		worker_serve_udp(b.worker, &separate);
	}
	while (handshake_queue_n(queue) < HANDSHAKE_RING - UDP_RX_SEGMENTS_MAX) /* a busy kernel delivers them later */
		worker_serve_udp(b.worker, &separate);
	a.worker->tx.n_sent = 0; /* its tunnel knows nothing of them */
	assert_int_equal(dropped_at(&b, WG_DROP_HANDSHAKE_QUEUE), 0); /* the others wait in the socket */
	assert_in_range(handshake_queue_n(queue), HANDSHAKE_RING - UDP_RX_SEGMENTS_MAX, HANDSHAKE_RING);
	while (handshake_queue_n(queue) + dropped_at(&b, WG_DROP_HANDSHAKE_QUEUE) < received)
		worker_serve_udp(b.worker, &mixed);
	assert_int_equal(handshake_queue_n(queue), HANDSHAKE_RING);
	assert_int_equal(dropped_at(&b, WG_DROP_HANDSHAKE_QUEUE), received - HANDSHAKE_RING);
	while (handshake_queue_n(queue) > 0)
		worker_run_control(b.worker);
	assert_true(b.worker->under_load_until_ns > clock_boot_ns() - 60 * NS_PER_S);
	/* The established session still works. */
	struct shape s = shape_plain;
	b.out_n = b.frames = 0;
	run_until_received(offer(&s));
}

/* A socket that is never empty. */
static struct { uint8_t type; unsigned int n, calls, messages; } endless;

static int endless_recv(int fd, struct mmsghdr *m, unsigned int n)
{
	static const struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = 7 };

	(void)fd;
	endless.calls++;
	endless.messages += n;
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *p = m[i].msg_hdr.msg_iov->iov_base;
		memset(p, 0x55, endless.n);
		memcpy(p, (const uint8_t[]){ endless.type, 0, 0, 0 }, endless.n < 4 ? endless.n : 4);
		memcpy(m[i].msg_hdr.msg_name, &from, sizeof from);
		m[i].msg_hdr.msg_controllen = 0;
		m[i].msg_len = endless.n;
	}
	return (int)n;
}

static const struct udp_ops endless_ops = { "endless", endless_recv, NULL };

/* Whatever arrives, the next event of the loop is handled after a limited number of messages. */
static void a_flood_does_not_occupy_the_control_thread(void **state)
{
	static const unsigned int lengths[] = { 1, 3, 4, 31, 32, 33, 63, 64, 65, 91, 92, 93, 147, 148, 149, 1000 };
	struct handshake_queue *queue = &b.worker->handshakes;
	uint64_t before[WG_DROP_COUNT], after[WG_DROP_COUNT];

	(void)state;
	for (unsigned int i = 0; i < 12 * 6 * ARRAY_LEN(lengths); i++) {
		struct udp_socket s = { .fd = -1, .ops = &endless_ops, .gro = i % 2, .kind = i / 2 % 3 };
		uint64_t queued = 0, n_dropped = 0;
		endless.type = (uint8_t)(i / 12 % 6);
		endless.n = lengths[i / 72];
		endless.calls = endless.messages = 0;
		tunnel_drops(b.tunnel, before);
		worker_serve_udp(b.worker, &s);
		tunnel_drops(b.tunnel, after);
		assert_in_range(endless.calls, 1, WORKER_RECEIVES_MAX);
		queued = handshake_queue_n(queue);
		for (unsigned int d = 0; d < WG_DROP_COUNT; d++)
			n_dropped += after[d] - before[d];
		assert_int_equal(after[WG_DROP_HANDSHAKE_QUEUE], before[WG_DROP_HANDSHAKE_QUEUE]);
		assert_int_equal(queued + n_dropped, endless.messages);
		/* Replies to messages that were not sent are not queued. */
		assert_int_equal(queued > 0, endless.type == 1 && endless.n == 148);
		while (handshake_queue_n(queue) > 0)
			worker_run_control(b.worker);
		b.worker->udp_pending = false;
	}
	/* The established session still works. */
	struct shape s = shape_plain;
	b.out_n = b.frames = 0;
	run_until_received(offer(&s));
}

static uint64_t end_of_emptying_ns;

static int slow_recv(int fd, struct mmsghdr *m, unsigned int n)
{
	while (clock_boot_ns() < end_of_emptying_ns)
		;
	return endless_recv(fd, m, n);
}

/* The data threads wait meanwhile. */
static void a_flood_does_not_extend_the_emptying_of_a_socket(void **state)
{
	static const struct udp_ops slow_ops = { "slow", slow_recv, NULL };
	struct udp_socket s = { .fd = -1, .ops = &slow_ops, .gro = true };

	(void)state;
	endless.type = 4;
	endless.n = 32;
	endless.calls = 0;
	end_of_emptying_ns = clock_boot_ns() + NS_PER_MS;
	worker_empty_udp(b.worker, &s, end_of_emptying_ns);
	assert_in_range(endless.calls, 0, 1); /* 0: this test was interrupted */
}

static uint64_t dropped_in(const struct end *e, enum wg_scope scope)
{
	uint64_t n = 0;

	for (enum wg_drop i = 0; i < WG_DROP_COUNT; i++)
		n += wg_drop_scope(i) == scope ? dropped_at(e, i) : 0;
	return n;
}

/* Nothing is staged: everything that came has left, or has a reason. */
static void expect_all_accounted_for(const struct end *e)
{
	const struct worker_counters *c = &e->worker->counters;
	uint64_t events[WG_EVENT_COUNT], to_send, received;
	struct wg_load load;

	tunnel_events(e->tunnel, events);
	tunnel_load(e->tunnel, &load);
	assert_int_equal(load.staged_bytes, 0);
	to_send = events[WG_EVENT_KEEPALIVE_SENT] + events[WG_EVENT_INITIATION_SENT] +
		  events[WG_EVENT_RESPONSE_SENT] + events[WG_EVENT_COOKIE_SENT];
	received = events[WG_EVENT_KEEPALIVE_RECEIVED] + events[WG_EVENT_INITIATION_RECEIVED] +
		   events[WG_EVENT_RESPONSE_RECEIVED] + events[WG_EVENT_COOKIE_RECEIVED];
	assert_int_equal(counter_read(&c->tun_packets) + to_send, counter_read(&c->sent_datagrams) + dropped_in(e, WG_SCOPE_SEND));
	assert_int_equal(counter_read(&c->udp_datagrams),
			 counter_read(&c->written_packets) + received + handshake_queue_n(&e->worker->handshakes) +
				 dropped_in(e, WG_SCOPE_RECEIVE) + dropped_in(e, WG_SCOPE_HANDSHAKE));
}

static int truncating_recv(int fd, struct mmsghdr *m, unsigned int n)
{
	(void)fd;
	m[0].msg_len = 100;
	m[0].msg_hdr.msg_flags = MSG_TRUNC;
	m[0].msg_hdr.msg_controllen = 0;
	return n > 0;
}

static void offer_plain(unsigned int n)
{
	struct shape s = shape_plain;

	for (unsigned int i = 0; i < n; i++) {
		(void)offer(&s);
		worker_serve_tun(a.worker);
	}
}

static void every_loss_has_a_reason(void **state)
{
	static const struct udp_ops truncating = { "truncating", truncating_recv, NULL };
	struct udp_socket truncated = { .fd = -1, .ops = &truncating };
	struct ip_endpoint nowhere = { .addr = ip_v4((const uint8_t[4]){ 127, 0, 0, 1 }) };
	const struct wg_public key = { { 9 } };
	struct wg_tunnel_peer *silent;
	struct ip_prefix prefix;

	(void)state;
	b.refuse = -EIO;
	b.tun.join = 0;
	offer_plain(3);
	while (dropped_at(&b, WG_DROP_TUN_WRITE) < 3)
		run(&b);
	b.tun.join = JOIN_TCP;
	(void)offer_super(10000);
	while (dropped_at(&b, WG_DROP_TUN_WRITE) < 3 + 10) {
		run(&a);
		run(&b);
	}
	b.refuse = 0;
	(void)offer_super(100);
	a.in_header.gso.gso_type = 77;
	worker_serve_tun(a.worker);
	assert_int_equal(dropped_at(&a, WG_DROP_TUN_READ), 1);
	worker_serve_udp(b.worker, &truncated);
	assert_int_equal(dropped_at(&b, WG_DROP_TRUNCATED), 1);
	tunnel_peer_set_endpoint(a.tunnel, a.peer, &nowhere); /* port 0 */
	offer_plain(5);
	assert_int_equal(dropped_at(&a, WG_DROP_SEND), 5);
	assert_int_equal(tunnel_peer_add(&silent, a.tunnel, &key), 0);
	assert_true(prefix_parse(&prefix, SPAN("10.0.0.2/32"), NULL) && tunnel_route_add(a.tunnel, silent, &prefix) == 0);
	offer_plain(1);
	assert_int_equal(dropped_at(&a, WG_DROP_NO_ENDPOINT), 1);
	nowhere.port = 9;
	tunnel_peer_set_endpoint(a.tunnel, silent, &nowhere);
	offer_plain(WG_STAGED_MAX + 2);
	assert_int_equal(dropped_at(&a, WG_DROP_STAGED_FULL), 2);
	tunnel_peer_remove(a.tunnel, silent);
	assert_int_equal(dropped_at(&a, WG_DROP_PEER_REMOVED), WG_STAGED_MAX);
	expect_all_accounted_for(&a);
	expect_all_accounted_for(&b);
}

static struct worker_shared shared;

static void open_inside_reader_section(void *ctx)
{
	struct worker *w = ctx;

	brlock_read_lock(&w->tunnel_reader);
	w->ticket = (struct ticket){ .sequencer = &(struct sequencer){ 0 } };
	worker_open_and_write(w);
}

/* That could be a deadlock with the writer. */
static void waiting_for_a_ticket_inside_a_reader_section_aborts(void **state)
{
	(void)state;
	assert_true(brlock_init(&shared.tunnel_lock));
	assert_true(worker_share(a.worker, &shared));
	assert_true(aborts(open_inside_reader_section, a.worker));
	a.worker->shared = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_every_size_arrive),
		cmocka_unit_test(super_packets_arrive_split_or_joined),
		cmocka_unit_test(segments_leave_in_full_messages),
		cmocka_unit_test(plain_packets_and_super_packets_alternate),
		cmocka_unit_test(joined_packets_that_the_tun_refuses_are_written_separately),
		cmocka_unit_test(a_socket_is_emptied_before_it_is_closed),
		cmocka_unit_test(a_full_socket_is_emptied_before_it_is_closed),
		cmocka_unit_test(deletion_of_the_device_is_detected),
		cmocka_unit_test(waiting_handshakes_are_bounded_and_cause_load),
		cmocka_unit_test(a_flood_does_not_occupy_the_control_thread),
		cmocka_unit_test(a_flood_does_not_extend_the_emptying_of_a_socket),
		cmocka_unit_test(every_loss_has_a_reason),
		cmocka_unit_test(waiting_for_a_ticket_inside_a_reader_section_aborts),
	};

	return cmocka_run_group_tests(tests, open_both, close_both);
}
