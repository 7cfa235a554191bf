/* Full send queues: what one destination cannot take is lost at once, and others get everything. The kernel's answers are
 * injected. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/offload_disable.h"
#include "daemon/io/udp.h"

enum { DATAGRAMS = 40, BYTES = 300 };
#define NOW (1000 * NS_PER_S)
#define FULL 0x7f000002 /* 127.0.0.2: its queue is full */

static struct udp_tx tx;
static struct udp_rx rx;
static struct wg_buf bufs[DATAGRAMS];
static struct wg_path paths[2];
static uint8_t bytes[DATAGRAMS][BYTES];
static unsigned int refusals, n_unsent, n_full;
static size_t bytes_unsent;
static int error_of;

static int send_unless_full(int fd, struct mmsghdr *m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct sockaddr_in *to = m[i].msg_hdr.msg_name;
		if (ntohl(to->sin_addr.s_addr) == FULL) {
			refusals += i == 0;
			return i > 0 ? (int)i : error_of;
		}
		assert_int_equal(udp_mmsg_ops.send(fd, &m[i], 1), 1);
	}
	return (int)n;
}

static const struct udp_ops full_ops = { "fake", NULL, send_unless_full };

static void count_unsent(void *ctx, const struct wg_path *path, unsigned int datagrams, size_t n, bool queue_full)
{
	(void)ctx;
	assert_ptr_equal(path, &paths[1]);
	n_unsent += datagrams;
	bytes_unsent += n;
	n_full += queue_full;
}

static struct wg_path path_to(uint8_t last, uint16_t port)
{
	return (struct wg_path){ .remote = { .addr = ip_v4((const uint8_t[4]){ 127, 0, 0, last }), .port = port } };
}

static void receive(struct udp_socket *s, size_t n)
{
	size_t got = 0;

	while (got < n) {
		struct pollfd p = { s->fd, POLLIN, 0 };
		struct udp_rx_message m;
		assert_int_equal(poll(&p, 1, 5000), 1);
		unsigned int messages = udp_receive(s, &rx, udp_receive_max(s));
		for (unsigned int i = 0; i < messages; i++) {
			assert_true(udp_rx_get(&rx, i, &m));
			got += (m.n + m.segment_bytes - 1) / m.segment_bytes;
		}
	}
	assert_int_equal(got, n);
}

/* Runs of ten to either destination in turn. */
static void a_full_queue_costs_its_own_path_only(void **state)
{
	static const int errors[] = { -EAGAIN, -ENOBUFS, -ENOMEM };
	static const uint8_t data[] = { 4, 0, 0, 0 };
	struct wg_batch b = { bufs, DATAGRAMS, paths, 2 };
	struct udp from, to;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	from.sockets[UDP_V4].ops = &full_ops;
	paths[0] = path_to(1, to.port);
	paths[1] = path_to(2, to.port);
	tx.unsent = count_unsent;
	for (size_t i = 0; i < DATAGRAMS; i++) {
		memcpy(bytes[i], data, sizeof data);
		bufs[i] = (struct wg_buf){ .dst = bytes[i], .out_n = BYTES, .verdict = WG_TO_UDP, .path = i / 10 % 2 };
	}
	for (size_t k = 0; k < 2 * ARRAY_LEN(errors); k++) {
		bool joined = k % 2;
		from.sockets[UDP_V4].gso = joined;
		error_of = errors[k / 2];
		refusals = n_unsent = n_full = 0;
		bytes_unsent = 0;
		udp_send(&from, &tx, &b, NOW);
		receive(&to.sockets[UDP_V4], DATAGRAMS / 2);
		unsigned int messages = joined ? 2 : DATAGRAMS / 2; /* none is split */
		assert_int_equal(refusals, messages * (error_of == -EAGAIN ? 1 : 9));
		assert_int_equal(n_full, messages);
		assert_int_equal(n_unsent, DATAGRAMS / 2);
		assert_int_equal(bytes_unsent, DATAGRAMS / 2 * BYTES);
		assert_int_equal(segment_limits_find(&tx.limits, &paths[1], NOW), UINT32_MAX);
	}
	tx.unsent = NULL;
	udp_close(&from);
	udp_close(&to);
}

/* Their datagrams have the port of the others, and what arrives on the port never arrives in them. */
static void sockets_of_slow_paths_share_the_port(void **state)
{
	static const uint8_t data[32] = { 4, 0, 0, 0 };
	struct udp from, to;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		const uint8_t loopback[16] = { [15] = 1 };
		assert_int_equal(udp_open(&from, 0, 0, 0), 0);
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		if (to.slow[v6][0].fd < 0)
			skip();
		for (int i = 0; i < 2 * SLOW_SOCKETS; i++) {
			struct pollfd none[SLOW_SOCKETS], p = { to.sockets[v6].fd, POLLIN, 0 };
			struct udp_rx_message m;
			bool small = from.slow[v6][i / 2].send_bytes < from.sockets[v6].send_bytes;
			struct wg_batch b = { bufs, 1, paths, 1 };

			assert_true(small || from.sockets[v6].send_bytes < 4 << 20);
			paths[0] = path_to(1, to.port);
			if (v6)
				paths[0].remote.addr = ip_v6(loopback);
			memset(tx.slow, 0, sizeof tx.slow);
			tx.slow[v6].all[0] = (struct slow_path){ { paths[0].remote, paths[0].local, 0 }, (uint8_t)(i / 2), NOW, NOW + 1 };
			tx.slow[v6].n = 1;
			memcpy(bytes[0], data, sizeof data);
			bufs[0] = (struct wg_buf){ .dst = bytes[0], .out_n = sizeof data, .verdict = WG_TO_UDP };
			from.sockets[v6].ops = i % 2 ? &full_ops : &udp_mmsg_ops; /* is not used */
			udp_send(&from, &tx, &b, NOW);
			assert_int_equal(poll(&p, 1, 5000), 1);
			assert_int_equal(udp_receive(&to.sockets[v6], &rx, 1), 1);
			assert_true(udp_rx_get(&rx, 0, &m));
			assert_int_equal(m.path.remote.port, from.port);
			for (int k = 0; k < SLOW_SOCKETS; k++)
				none[k] = (struct pollfd){ to.slow[v6][k].fd, POLLIN, 0 };
			assert_int_equal(poll(none, SLOW_SOCKETS, 0), 0);
		}
		memset(tx.slow, 0, sizeof tx.slow);
		udp_close(&from);
		udp_close(&to);
		assert_int_equal(to.slow[v6][UDP_SLOW_SOCKETS - 1].fd, -1);
	}
}

static uint8_t sent_types[2][DATAGRAMS]; /* through the socket of all paths, and that of a slow one */
static unsigned int n_sent_types[2];
static int shared_fd;

static int note_types(int fd, struct mmsghdr *m, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		for (size_t k = 0; k < (size_t)m[i].msg_hdr.msg_iovlen; k++) {
			unsigned int *at = &n_sent_types[fd != shared_fd];
			sent_types[fd != shared_fd][(*at)++] = *(const uint8_t *)m[i].msg_hdr.msg_iov[k].iov_base;
		}
	return (int)n;
}

static const struct udp_ops noting_ops = { "fake", NULL, note_types };

static void handshakes_of_a_slow_path_do_not_wait_behind_its_data(void **state)
{
	static const struct { uint8_t type; uint32_t n; } messages[] = {
		{ 4, 148 }, { 1, 148 }, { 4, 148 }, { 4, 148 }, { 2, 92 }, { 3, 64 }, { 4, 32 }, { 3, 32 },
	};
	struct wg_batch b = { bufs, ARRAY_LEN(messages), paths, 1 };
	struct udp from;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	if (from.slow[UDP_V4][0].fd < 0)
		skip();
	paths[0] = path_to(1, 9);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		memset(bytes[i], 0, sizeof bytes[i]);
		bytes[i][0] = messages[i].type;
		bufs[i] = (struct wg_buf){ .dst = bytes[i], .out_n = messages[i].n, .verdict = WG_TO_UDP };
	}
	shared_fd = from.sockets[UDP_V4].fd;
	from.sockets[UDP_V4].ops = from.slow[UDP_V4][0].ops = &noting_ops;
	for (int gso = 0; gso < 2; gso++) {
		from.sockets[UDP_V4].gso = from.slow[UDP_V4][0].gso = gso;
		memset(tx.slow, 0, sizeof tx.slow);
		tx.slow[UDP_V4].all[0] = (struct slow_path){ { paths[0].remote, paths[0].local, 0 }, 0, NOW, NOW + 1 };
		tx.slow[UDP_V4].n = 1;
		n_sent_types[0] = n_sent_types[1] = 0;
		udp_send(&from, &tx, &b, NOW);
		assert_int_equal(n_sent_types[0], 4);
		assert_memory_equal(sent_types[0], ((const uint8_t[]){ 1, 2, 3, 3 }), 4);
		assert_int_equal(n_sent_types[1], 4);
		assert_memory_equal(sent_types[1], ((const uint8_t[]){ 4, 4, 4, 4 }), 4);
		n_sent_types[0] = 0;
		udp_send(&from, &tx, &b, NOW + 1); /* has expired */
		assert_int_equal(n_sent_types[0], ARRAY_LEN(messages));
	}
	memset(tx.slow, 0, sizeof tx.slow);
	udp_close(&from);
}

/* Of a slow device: there may be many, in the queue of the device, so they have a socket. */
static void handshakes_through_a_slow_device_have_a_socket(void **state)
{
	struct wg_batch b = { bufs, 2, paths, 2 };
	struct udp from;

	(void)state;
	assert_int_equal(udp_open(&from, 0, 0, 0), 0);
	if (from.slow[UDP_V4][0].fd < 0)
		skip();
	for (size_t i = 0; i < 2; i++) {
		paths[i] = path_to(1, (uint16_t)(9 + i));
		paths[i].route_ifindex = 7 + (uint32_t)i;
		memset(bytes[i], 0, sizeof bytes[i]);
		bytes[i][0] = 1;
		bufs[i] = (struct wg_buf){ .dst = bytes[i], .out_n = 148, .path = (uint16_t)i, .verdict = WG_TO_UDP };
	}
	tx.slow[UDP_V4].all[0] = (struct slow_path){ { .device = 7 }, 0, NOW, NOW + 1 };
	tx.slow[UDP_V4].n = 1;
	shared_fd = from.slow[UDP_V4][UDP_SLOW_HANDSHAKES].fd;
	from.sockets[UDP_V4].ops = from.slow[UDP_V4][0].ops = from.slow[UDP_V4][UDP_SLOW_HANDSHAKES].ops = &noting_ops;
	n_sent_types[0] = n_sent_types[1] = 0;
	udp_send(&from, &tx, &b, NOW);
	assert_int_equal(n_sent_types[0], 1);
	assert_int_equal(n_sent_types[1], 1); /* that of the other device, through the socket of all */
	udp_send(&from, &tx, &b, NOW + 1); /* has expired */
	assert_int_equal(n_sent_types[0], 1);
	assert_int_equal(n_sent_types[1], 3);
	memset(tx.slow, 0, sizeof tx.slow);
	udp_close(&from);
}

static void without_a_choice_of_sockets_there_is_one(void **state)
{
	struct udp u;

	(void)state;
	assert_int_equal(udp_open(&u, 0, 0, OFFLOAD_NO_SPLIT), 0);
	for (int i = 0; i < UDP_SLOW_SOCKETS; i++)
		assert_true(u.slow[UDP_V4][i].fd < 0 && u.slow[UDP_V6][i].fd < 0);
	udp_close(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_queue_costs_its_own_path_only),
		cmocka_unit_test(sockets_of_slow_paths_share_the_port),
		cmocka_unit_test(handshakes_of_a_slow_path_do_not_wait_behind_its_data),
		cmocka_unit_test(handshakes_through_a_slow_device_have_a_socket),
		cmocka_unit_test(without_a_choice_of_sockets_there_is_one),
	};

	if (!udp_rx_init(&rx))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	udp_rx_free(&rx);
	return failed;
}
