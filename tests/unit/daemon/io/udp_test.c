/* The UDP sockets over loopback: sending and receiving with every set of operations and offloads, source
 * addresses and TOS, and errors of the kernel. udp_filter_test.c tests the sockets for handshake messages. */
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
#define NOW (1000 * NS_PER_S)

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

static const uint8_t data[] = { 4, 0, 0, 0 }; /* first bytes of a data message: the kernel drops others */

static struct wg_batch batch_to(uint16_t port, bool v6, size_t n, uint32_t size)
{
	paths[0] = (struct wg_path){ .remote = { .addr = local(v6, 1), .port = port } };
	for (size_t i = 0; i < n; i++) {
		memset(bytes[i], (int)i + 1, sizeof bytes[i]);
		memcpy(bytes[i], data, sizeof data);
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
		unsigned int messages = udp_receive(s, &rx, udp_receive_max(s));
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
		udp_send(&from, &tx, &b, NOW);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], MANY, &r);
		make_contiguous(&b);
		udp_send(&from, &tx, &b, NOW);
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
	memset(bytes[1] + sizeof data, 1, 50 - sizeof data); /* arrives first, and alone */
	udp_send(&from, &tx, &b, NOW);
	expect(&to.sockets[UDP_V4], 1, &r);
	assert_int_equal(r.n, 50);
	assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx, 1), 0);
	udp_close(&from);
	udp_send(&from, &tx, &b, NOW); /* closed: nothing is sent */
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
		udp_send(&from, &tx, &b, NOW);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], 1, &r);
		assert_int_equal(r.tos, 0x88);
		assert_true(ip_equal(&r.path.remote.addr, &paths[0].local));
		bufs[0].tos = 0;
		udp_send(&from, &tx, &b, NOW);
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
		udp_send(&from, &tx, &b, NOW);
		expect(&to.sockets[UDP_V4], n, &r);
		assert_int_equal(r.path.remote.addr.b[0], 127);
		assert_int_equal(refusals, 1);
		assert_int_equal(segment_limits_find(&tx.limits, &paths[0], NOW), UINT32_MAX);
	}
	tx.source_refused = NULL;
	udp_close(&from);
	udp_close(&to);
}

/* Operations that fail like those of the kernel: messages of many datagrams, or all. */
static int error_of, times_left, single_sends, n_messages, n_iov;
static bool refuses_singles;

static int refusing_send(int fd, struct mmsghdr *m, unsigned int n)
{
	bool single = m->msg_hdr.msg_iovlen == 1 && m->msg_hdr.msg_iov->iov_len <= 300;

	single_sends += single;
	if (times_left > 0 && (!single || refuses_singles)) {
		times_left--;
		return error_of;
	}
	if (single)
		return udp_mmsg_ops.send(fd, m, 1);
	n_messages += (int)n;
	n_iov += (int)m->msg_hdr.msg_iovlen;
	return udp_mmsg_ops.send(fd, m, n);
}

static const struct udp_ops refusing_ops = { "fake", NULL, refusing_send };

static unsigned int n_unsent;
static size_t bytes_unsent;

static void count_unsent(void *ctx, const struct wg_path *path, unsigned int datagrams, size_t n, bool queue_full)
{
	(void)ctx, (void)path, (void)queue_full;
	n_unsent += datagrams;
	bytes_unsent += n;
}

static void refused_messages_are_sent_differently_or_dropped(void **state)
{
	/* all: singles are refused as well. singles: so many are tried. limit: of the path afterwards. */
	static const struct { int error; int times; bool all; int singles; bool lost; uint32_t limit; } cases[] = {
		{ -EINTR, 3, true, 0, false, UINT32_MAX },     { -EAGAIN, 1, true, 0, true, UINT32_MAX },
		{ -ENOBUFS, 5, true, 0, false, UINT32_MAX },   { -ECONNREFUSED, 5, true, 0, false, UINT32_MAX },
		{ -EMSGSIZE, 1, false, 10, false, 299 },       { -EINVAL, 1, false, 10, false, 299 },
		{ -EIO, 1, false, 10, false, 0 },              { -EOPNOTSUPP, 1, false, 10, false, 0 },
		{ -EPERM, 1, false, 10, false, 0 },            { -EPERM, 2, true, 1, true, UINT32_MAX },
		{ -EINVAL, 2, true, 1, true, UINT32_MAX },     { -EIO, 2, true, 1, true, UINT32_MAX },
		{ -ENETUNREACH, 2, true, 1, true, UINT32_MAX }, { -EMSGSIZE, 2, true, 1, true, UINT32_MAX },
		{ -ENOMEM, 9, true, 0, true, UINT32_MAX },     { -ECONNREFUSED, 9, true, 0, true, UINT32_MAX },
	};
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	tx.unsent = count_unsent;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const bool lost = cases[i / 2].lost;
		assert_int_equal(udp_open(&from, 0, 0, 0), 0);
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		from.sockets[UDP_V4].ops = &refusing_ops;
		from.sockets[UDP_V4].gso = true;
		struct wg_batch b = batch_to(to.port, false, 10, 300);
		if (i % 2)
			make_contiguous(&b);
		error_of = cases[i / 2].error;
		times_left = cases[i / 2].times;
		refuses_singles = cases[i / 2].all;
		single_sends = 0;
		n_unsent = 0;
		bytes_unsent = 0;
		udp_send(&from, &tx, &b, NOW);
		assert_int_equal(times_left, 0);
		assert_int_equal(single_sends, cases[i / 2].singles);
		assert_int_equal(n_unsent, lost ? 10 : 0);
		assert_int_equal(bytes_unsent, lost ? 3000 : 0);
		if (lost) { /* later ones are sent */
			assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx, 1), 0);
			udp_send(&from, &tx, &b, NOW);
		}
		expect(&to.sockets[UDP_V4], 10, &r);
		assert_int_equal(segment_limits_find(&tx.limits, &paths[0], NOW), cases[i / 2].limit);
		segment_limits_clear(&tx.limits);
		udp_close(&from);
		udp_close(&to);
	}
	tx.unsent = NULL;
}

/* As sendmmsg(2): refuses messages of many datagrams to 127.0.0.2. */
static int path_refusing_send(int fd, struct mmsghdr *m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct sockaddr_in *to = m[i].msg_hdr.msg_name;
		bool many = m[i].msg_hdr.msg_iovlen > 1;

		if (many && ntohl(to->sin_addr.s_addr) == 0x7f000002) {
			times_left -= i == 0;
			return i > 0 ? (int)i : error_of;
		}
		single_sends += !many;
		n_messages += many;
		assert_int_equal(udp_mmsg_ops.send(fd, &m[i], 1), 1);
	}
	return (int)n;
}

static const struct udp_ops path_refusing_ops = { "fake", NULL, path_refusing_send };

/* Runs of ten datagrams to 127.0.0.1 and 127.0.0.2 in turn. Returns the messages of many datagrams, of singles and of
 * refused ones as a number of decimal digits. */
static int send_to_two(struct udp *from, struct udp *to, uint64_t now_ns)
{
	struct wg_batch b = batch_to(to->port, false, 40, 300);
	struct udp_rx_message r;

	paths[1] = paths[0];
	paths[1].remote.addr = local(false, 2);
	b.n_paths = 2;
	for (size_t i = 0; i < b.n; i++)
		bufs[i].path = i / 10 % 2;
	n_messages = single_sends = times_left = 0;
	udp_send(from, &tx, &b, now_ns);
	expect(&to->sockets[UDP_V4], 40, &r); /* in order */
	return n_messages * 1000 + single_sends * 10 - times_left;
}

static void what_a_path_refuses_concerns_only_this_path_and_expires(void **state)
{
	static const int errors[] = { -EMSGSIZE, -EINVAL, -EIO };
	struct udp from, to;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		assert_int_equal(udp_open(&from, 0, 0, 0), 0);
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		from.sockets[UDP_V4].ops = &path_refusing_ops;
		from.sockets[UDP_V4].gso = true;
		error_of = errors[i];
		assert_int_equal(send_to_two(&from, &to, NOW), 2202); /* both runs were one message already */
		assert_int_equal(send_to_two(&from, &to, NOW + 1), 2200);
		assert_int_equal(send_to_two(&from, &to, NOW + SEGMENT_LIMIT_NS - 1), 2200);
		assert_int_equal(send_to_two(&from, &to, NOW + SEGMENT_LIMIT_NS), 2202);
		assert_int_equal(send_to_two(&from, &to, NOW + SEGMENT_LIMIT_NS), 2200);
		udp_routes_changed(&from);
		assert_int_equal(send_to_two(&from, &to, NOW + SEGMENT_LIMIT_NS), 2202);
		segment_limits_clear(&tx.limits);
		udp_close(&from);
		udp_close(&to);
	}
	assert_true(SEGMENT_LIMIT_NS < 30 * NS_PER_S);
}

static int counting_send(int fd, struct mmsghdr *m, unsigned int n)
{
	int k = udp_mmsg_ops.send(fd, m, n);

	n_messages += k > 0 ? k : 0;
	return k;
}

/* The kernel refuses everything to port 0, as EINVAL. */
static void a_destination_that_cannot_be_sent_to_limits_nothing(void **state)
{
	static const struct udp_ops counting_ops = { "fake", NULL, counting_send };
	struct udp from, to;
	struct udp_rx_message r;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(udp_open(&from, 0, 0, 0), 0);
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		if (v6 && to.sockets[UDP_V6].fd < 0)
			skip();
		from.sockets[v6 ? UDP_V6 : UDP_V4].ops = &counting_ops;
		from.sockets[v6 ? UDP_V6 : UDP_V4].gso = true;
		struct wg_batch b = batch_to(to.port, v6, 20, 300);
		for (size_t i = 0; i < 10; i++)
			memcpy(bytes[i], bytes[i + 10], 300); /* those that arrive */
		paths[1] = paths[0];
		paths[1].remote.port = 0;
		paths[1].local = local(v6, 1);
		b.n_paths = 2;
		for (size_t i = 0; i < 10; i++)
			bufs[i].path = 1;
		tx.unsent = count_unsent;
		tx.source_refused = refused;
		n_unsent = 0;
		n_messages = refusals = 0;
		udp_send(&from, &tx, &b, NOW);
		expect(v6 ? &to.sockets[UDP_V6] : &to.sockets[UDP_V4], 10, &r);
		assert_int_equal(n_messages, 1);
		assert_int_equal(n_unsent, 10);
		assert_int_equal(refusals, 0);
		assert_int_equal(segment_limits_find(&tx.limits, &paths[0], NOW), UINT32_MAX);
		assert_int_equal(segment_limits_find(&tx.limits, &paths[1], NOW), UINT32_MAX);
		tx.unsent = NULL;
		tx.source_refused = NULL;
		udp_close(&from);
		udp_close(&to);
	}
}

/* As of a peer that has never had an endpoint. */
static void datagrams_without_a_destination_are_counted(void **state)
{
	struct udp from;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	struct wg_batch b = batch_to(9, false, 3, 300);
	paths[0].remote = (struct ip_endpoint){ .port = 0 };
	tx.unsent = count_unsent;
	n_unsent = 0;
	udp_send(&from, &tx, &b, NOW);
	assert_int_equal(n_unsent, 3);
	tx.unsent = NULL;
	udp_close(&from);
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
		udp_send(&from, &tx, &b, NOW);
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
	memcpy(large, data, sizeof data);
	bufs[0].dst = large;
	bufs[0].out_n = sizeof large;
	udp_send(&from, &tx, &b, NOW);
	struct pollfd p = { to.sockets[UDP_V4].fd, POLLIN, 0 };
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(udp_receive(&to.sockets[UDP_V4], &rx, 1), 1);
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
		udp_send(&from, &tx, &b, NOW);
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
		cmocka_unit_test(what_a_path_refuses_concerns_only_this_path_and_expires),
		cmocka_unit_test(a_destination_that_cannot_be_sent_to_limits_nothing),
		cmocka_unit_test(datagrams_without_a_destination_are_counted),
		cmocka_unit_test(neighbours_leave_as_one_message),
		cmocka_unit_test(the_largest_datagram_passes),
		cmocka_unit_test(both_families_use_one_port),
		cmocka_unit_test(no_other_process_receives_on_the_port),
	};

	return cmocka_run_group_tests(tests, open_rx, close_rx);
}
