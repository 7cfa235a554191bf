/* The UDP sockets over loopback: sending and receiving with every set of operations and offloads, source
 * addresses and TOS, errors of the kernel, and the separate sockets for handshake messages. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>
#include "daemon/io/offload_disable.h"
#include "daemon/io/udp.h"

enum { MANY = 150 };

static struct udp_rx rx;
static struct udp_tx tx;
static struct wg_buf bufs[MANY];
static struct wg_path paths[2];
static uint8_t bytes[MANY][2000];
static int refusals;

static void refused(void *ctx, const struct wg_path *path)
{
	(void)ctx;
	assert_int_not_equal(path->local.family, IP_NONE);
	refusals++;
}

static struct ip_addr local(bool v6, uint8_t last)
{
	const uint8_t v4[4] = { 127, 0, 0, last };
	uint8_t b[16] = { [15] = last };

	return v6 ? ip_v6(b) : ip_v4(v4);
}

static struct wg_batch batch_to(uint16_t port, bool v6, size_t n, uint32_t size)
{
	paths[0] = (struct wg_path){ .remote = { .addr = local(v6, 1), .port = port } };
	for (size_t i = 0; i < n; i++) {
		memset(bytes[i], (int)i + 1, sizeof bytes[i]);
		bufs[i] = (struct wg_buf){ .dst = bytes[i], .out_n = size, .verdict = WG_TO_UDP };
	}
	return (struct wg_batch){ bufs, n, paths, 1 };
}

/* The same bytes, one datagram right after the other, alternating between two indices of one path. */
static void make_contiguous(struct wg_batch *b)
{
	static uint8_t contiguous[MANY * 2000];
	uint8_t *to = contiguous;

	paths[1] = paths[0];
	b->n_paths = 2;
	for (size_t i = 0; i < b->n; i++) {
		memcpy(to, bytes[i], bufs[i].out_n);
		bufs[i].dst = to;
		bufs[i].path = i / 3 % 2;
		to += bufs[i].out_n;
	}
}

/* Receives n datagrams and checks the bytes of each. *r: the last message. */
static void expect(struct udp_socket *s, size_t n, struct udp_rx_message *r)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd p = { s->fd, POLLIN, 0 };
		assert_int_equal(poll(&p, 1, 5000), 1);
		unsigned int messages = udp_receive(s, &rx);
		for (unsigned int i = 0; i < messages; i++) {
			assert_true(udp_rx_get(&rx, i, r));
			for (uint32_t at = 0; at < r->n; at += r->segment_bytes, got++) {
				uint32_t size = r->n - at < r->segment_bytes ? r->n - at : r->segment_bytes;
				assert_true(got < n);
				assert_int_equal(size, bufs[got].out_n);
				assert_memory_equal(r->p + at, bytes[got], size);
			}
		}
	}
}

static void all_operations_and_offloads_transfer_the_same(void **state)
{
	static const unsigned int offs[] = {
		0, OFFLOAD_NO_SEGMENT, OFFLOAD_NO_GRO, OFFLOAD_NO_MMSG,
		OFFLOAD_NO_SEGMENT | OFFLOAD_NO_GRO | OFFLOAD_NO_MMSG,
	};
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offs) * 2; i++) {
		bool v6 = i % 2;
		assert_int_equal(udp_open(&from, 0, 0, offs[i / 2]), 0);
		assert_int_equal(udp_open(&to, 0, 0, offs[i / 2]), 0);
		if (v6 && to.sockets[UDP_V6].fd < 0)
			skip();
		assert_string_equal(to.sockets[UDP_V4].ops->name, offs[i / 2] & OFFLOAD_NO_MMSG ? "plain" : "mmsg");
		struct wg_batch b = batch_to(to.port, v6, MANY, 1452);
		for (size_t k = 0; k < MANY; k += 7)
			bufs[k].out_n = (uint32_t)(100 + k); /* ends a run */
		udp_send(&from, &tx, &b);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], MANY, &r);
		make_contiguous(&b);
		udp_send(&from, &tx, &b);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], MANY, &r);
		assert_int_equal(r.path.remote.port, from.port);
		assert_true(ip_equal(&r.path.remote.addr, &paths[0].remote.addr));
		assert_true(ip_equal(&r.path.local, &paths[0].remote.addr));
		assert_int_equal(r.path.ifindex, 1);
		udp_close(&from);
		udp_close(&to);
	}
}

static void only_buffers_for_udp_are_sent(void **state)
{
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	struct wg_batch b = batch_to(to.port, false, 3, 50);
	bufs[0].verdict = WG_DONE;
	bufs[2].verdict = WG_CONTROL;
	memset(bytes[1], 1, 50); /* arrives first, and alone */
	udp_send(&from, &tx, &b);
	expect(&to.sockets[UDP_V4], 1, &r);
	assert_int_equal(r.n, 50);
	assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx), 0);
	udp_close(&from);
	udp_send(&from, &tx, &b); /* closed: nothing is sent */
	udp_close(&to);
}

static void source_and_tos_are_sent_and_received(void **state)
{
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	for (int v6 = 0; v6 < 2; v6++) {
		if (v6 && to.sockets[UDP_V6].fd < 0)
			skip();
		struct wg_batch b = batch_to(to.port, v6, 1, 64);
		paths[0].local = local(v6, v6 ? 1 : 77);
		bufs[0].tos = 0x88;
		udp_send(&from, &tx, &b);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], 1, &r);
		assert_int_equal(r.tos, 0x88);
		assert_true(ip_equal(&r.path.remote.addr, &paths[0].local));
		bufs[0].tos = 0;
		udp_send(&from, &tx, &b);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], 1, &r);
		assert_int_equal(r.tos, 0);
	}
	udp_close(&from);
	udp_close(&to);
}

static void a_refused_source_is_reported_and_left_out(void **state)
{
	const uint8_t unassigned[4] = { 203, 0, 113, 77 };
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	for (size_t n = 1; n <= 20; n += 19) { /* alone, and as one message of many */
		struct wg_batch b = batch_to(to.port, false, n, 200);
		paths[0].local = ip_v4(unassigned);
		refusals = 0;
		tx.source_refused = refused;
		udp_send(&from, &tx, &b);
		expect(&to.sockets[UDP_V4], n, &r);
		assert_true(refusals > 0);
		assert_int_equal(r.path.remote.addr.b[0], 127);
		assert_int_equal(from.sockets[UDP_V4].gso_size_max, UINT32_MAX);
	}
	tx.source_refused = NULL;
	udp_close(&from);
	udp_close(&to);
}

/* Operations that fail like those of the kernel. */
static int error_of, times_left, single_sends, n_messages, n_iov;

static int refusing_send(int fd, struct mmsghdr *m, unsigned int n)
{
	if ((error_of == -EMSGSIZE || error_of == -EIO || error_of == -EINVAL) && m->msg_hdr.msg_iovlen == 1 &&
	    m->msg_hdr.msg_iov->iov_len <= 300) {
		single_sends++;
		return udp_mmsg_ops.send(fd, m, 1);
	}
	if (times_left-- > 0)
		return error_of;
	n_messages += (int)n;
	n_iov += (int)m->msg_hdr.msg_iovlen;
	return udp_mmsg_ops.send(fd, m, n);
}

static const struct udp_ops refusing_ops = { "fake", NULL, refusing_send };

static void refused_messages_are_sent_differently_or_dropped(void **state)
{
	static const struct { int error; int times; bool arrives; } cases[] = {
		{ -EINTR, 3, true },    { -EAGAIN, 2, true },   { -EMSGSIZE, 1, true },
		{ -EIO, 1, true },      { -EPERM, 1, false },   { -ENOBUFS, 5, true },
		{ -ENETUNREACH, 1, false }, { -EINVAL, 1, true }, { -ECONNREFUSED, 5, true }, { -ENOMEM, 100, false }, { -EAGAIN, 100, false },
	};
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const int error = cases[i / 2].error, times = cases[i / 2].times;
		const bool arrives = cases[i / 2].arrives;
		assert_int_equal(udp_open(&from, 0, 0, 0), 0);
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		from.sockets[UDP_V4].ops = &refusing_ops;
		from.sockets[UDP_V4].gso = true;
		struct wg_batch b = batch_to(to.port, false, 10, 300);
		if (i % 2)
			make_contiguous(&b);
		error_of = error;
		times_left = times;
		single_sends = 0;
		udp_send(&from, &tx, &b);
		times_left = 0;
		if (arrives) {
			expect(&to.sockets[UDP_V4], 10, &r);
		} else { /* lost; later ones are sent */
			assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx), 0);
			error_of = 0;
			udp_send(&from, &tx, &b);
			expect(&to.sockets[UDP_V4], 10, &r);
		}
		assert_int_equal(from.sockets[UDP_V4].gso, error != -EIO);
		bool one_by_one = arrives && (error == -EMSGSIZE || error == -EIO || error == -EINVAL);
		assert_int_equal(from.sockets[UDP_V4].gso_size_max, one_by_one ? 299 : UINT32_MAX);
		assert_int_equal(single_sends, one_by_one ? 10 : 0);
		udp_reset_limits(&from);
		assert_int_equal(from.sockets[UDP_V4].gso_size_max, UINT32_MAX);
		udp_close(&from);
		udp_close(&to);
	}
}

static void neighbours_leave_as_one_message(void **state)
{
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	from.sockets[UDP_V4].ops = &refusing_ops;
	from.sockets[UDP_V4].gso = true;
	error_of = times_left = 0;
	for (int contiguous = 0; contiguous < 2; contiguous++) {
		struct wg_batch b = batch_to(to.port, false, 20, 300);
		bufs[19].out_n = 200; /* the last may be shorter */
		if (contiguous)
			make_contiguous(&b);
		n_messages = n_iov = 0;
		udp_send(&from, &tx, &b);
		expect(&to.sockets[UDP_V4], 20, &r);
		assert_int_equal(n_messages, 1);
		assert_int_equal(n_iov, contiguous ? 1 : 20);
	}
	udp_close(&from);
	udp_close(&to);
}

static void the_largest_datagram_passes(void **state)
{
	static uint8_t large[65507];
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	struct wg_batch b = batch_to(to.port, false, 1, 100);
	memset(large, 0x5a, sizeof large);
	bufs[0].dst = large;
	bufs[0].out_n = sizeof large;
	udp_send(&from, &tx, &b);
	struct pollfd p = { to.sockets[UDP_V4].fd, POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx), 1);
	assert_true(udp_rx_get(&rx, 0, &r));
	assert_int_equal(r.n, sizeof large);
	assert_memory_equal(r.p, large, sizeof large);
	udp_close(&from);
	udp_close(&to);
}

static void both_families_use_one_port(void **state)
{
	struct udp a, b;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct sockaddr_in6 name;
		socklen_t n = sizeof name;
		assert_int_equal(udp_open(&a, 0, 0, 0), 0);
		assert_int_not_equal(a.port, 0);
		if (a.sockets[UDP_V6].fd >= 0) {
			assert_int_equal(getsockname(a.sockets[UDP_V6].fd, (struct sockaddr *)&name, &n), 0);
			assert_int_equal(ntohs(name.sin6_port), a.port);
		}
		udp_close(&a);
	}
	assert_int_equal(udp_open(&a, 0, 0, 0), 0);
	assert_int_equal(udp_open(&b, a.port, 0, 0), -EADDRINUSE);
	assert_int_equal(b.sockets[UDP_V4].fd, -1);
	assert_int_equal(b.sockets[UDP_V6].fd, -1);
	close(a.sockets[UDP_V4].fd); /* a port that is in use in one family is in use */
	a.sockets[UDP_V4].fd = -1;
	if (a.sockets[UDP_V6].fd >= 0)
		assert_int_equal(udp_open(&b, a.port, 0, 0), -EADDRINUSE);
	udp_close(&a);
}

/* First bytes of datagrams: data messages and unknown types arrive on the socket for data. */
static void handshake_messages_arrive_on_separate_sockets(void **state)
{
	static const uint8_t heads[][4] = { { 4 }, { 1 }, { 4, 1 }, { 2 }, { 3 }, { 1, 0, 0, 1 }, { 0 }, { 5 } };
	static const bool is_handshake[] = { false, true, false, true, true, false, false, false };
	const size_t n_handshakes = 3;
	struct udp_rx_message r;
	struct udp from, to;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		bool v6 = i % 2, split = i < 2;
		size_t want[2] = { 0 };
		/* Not joined: the first of joined datagrams would decide for all. */
		assert_int_equal(udp_open(&from, 0, 0, OFFLOAD_NO_SEGMENT), 0);
		assert_int_equal(udp_open(&to, 0, 0, split ? 0 : OFFLOAD_NO_SPLIT), 0);
		if (v6 && to.sockets[UDP_V6].fd < 0)
			skip();
		struct wg_batch b = batch_to(to.port, v6, ARRAY_LEN(heads), 64);
		struct udp_socket *by[2] = { &to.sockets[v6 ? UDP_V6 : UDP_V4],
					     &to.sockets[v6 ? UDP_V6_HANDSHAKES : UDP_V4_HANDSHAKES] };
		for (size_t k = 0; k < b.n; k++) {
			memcpy(bytes[k], heads[k], 4);
			want[split && is_handshake[k]]++;
		}
		assert_int_equal(by[1]->fd >= 0, split);
		udp_send(&from, &tx, &b);
		for (unsigned int k = 0; k < 2; k++) {
			for (size_t got = 0; got < want[k];) {
				struct pollfd p = { by[k]->fd, POLLIN, 0 };
				assert_int_equal(poll(&p, 1, 5000), 1);
				unsigned int messages = udp_receive(by[k], &rx);
				for (unsigned int m = 0; m < messages; m++) {
					assert_true(udp_rx_get(&rx, m, &r));
					assert_int_equal(r.path.remote.port, from.port);
					got += (r.n + r.segment_bytes - 1) / r.segment_bytes;
				}
			}
			if (by[k]->fd >= 0)
				assert_int_equal(udp_receive(by[k], &rx), 0);
		}
		assert_int_equal(want[1], split ? n_handshakes : 0);
		udp_close(&from);
		udp_close(&to);
	}
}

/* SO_REUSEPORT, which the second socket needs, gives other processes no datagrams. */
static void no_other_process_receives_on_the_port(void **state)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct udp_rx_message r;
	struct udp from, to;
	int intruder, one = 1;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	any.sin_port = htons(to.port);
	intruder = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(intruder >= 0);
	assert_int_not_equal(bind(intruder, (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(errno, EADDRINUSE);
	/* The same user may share the port, but receives nothing. */
	assert_int_equal(setsockopt(intruder, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
	if (bind(intruder, (struct sockaddr *)&any, sizeof any) == 0) {
		struct wg_batch b = batch_to(to.port, false, MANY, 200);
		udp_send(&from, &tx, &b);
		expect(&to.sockets[UDP_V4], MANY, &r);
		assert_int_equal(recv(intruder, bytes[0], sizeof bytes[0], 0), -1);
	}
	close(intruder);
	udp_close(&from);
	udp_close(&to);
}

static int open_rx(void **state)
{
	(void)state;
	return udp_rx_init(&rx) ? 0 : -1;
}

static int close_rx(void **state)
{
	(void)state;
	udp_rx_free(&rx);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_operations_and_offloads_transfer_the_same),
		cmocka_unit_test(only_buffers_for_udp_are_sent),
		cmocka_unit_test(source_and_tos_are_sent_and_received),
		cmocka_unit_test(a_refused_source_is_reported_and_left_out),
		cmocka_unit_test(refused_messages_are_sent_differently_or_dropped),
		cmocka_unit_test(neighbours_leave_as_one_message),
		cmocka_unit_test(the_largest_datagram_passes),
		cmocka_unit_test(both_families_use_one_port),
		cmocka_unit_test(handshake_messages_arrive_on_separate_sockets),
		cmocka_unit_test(no_other_process_receives_on_the_port),
	};

	return cmocka_run_group_tests(tests, open_rx, close_rx);
}
