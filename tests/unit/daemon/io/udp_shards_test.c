/* Several sockets for data: each receiver index has its socket, and every worker sends from the same port. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sys/resource.h>
#include <unistd.h>
#include "daemon/io/offload_disable.h"
#include "daemon/io/udp.h"

enum { DATA_BYTES = 48, INDICES = 97 };

static int socket_to(const struct udp *to, bool v6)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(to->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, v6 ? (void *)&a : (void *)&a4, v6 ? sizeof a : sizeof a4), 0);
	return fd;
}

/* The index of the socket at which the datagram arrives. */
static unsigned int arrives_at(struct udp *to, int from, const uint8_t *message, size_t n)
{
	struct pollfd all[UDP_SOCKETS];
	uint8_t got[200];
	unsigned int at = UDP_SOCKETS;

	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		all[i] = (struct pollfd){ to->sockets[i].fd, POLLIN, 0 };
	assert_int_equal(send(from, message, n, 0), n);
	assert_int_equal(poll(all, UDP_SOCKETS, 5000), 1);
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		if (all[i].revents)
			at = i;
	assert_true(at < UDP_SOCKETS);
	assert_int_equal(recv(to->sockets[at].fd, got, sizeof got, MSG_DONTWAIT), n);
	assert_memory_equal(got, message, n);
	return at;
}

static void data_goes_to_the_socket_of_its_index(struct udp *to, bool v6)
{
	uint8_t data[DATA_BYTES] = { 4 }, initiation[148] = { 1 }, response[92] = { 2 }, cookie[64] = { 3 };
	int from = socket_to(to, v6);

	for (uint32_t i = 0; i < INDICES; i++) {
		uint32_t index = i * 0x9e3779b1u, n = to->n_data[v6];
		store_le32(data + 4, index);
		memcpy(response + 8, data + 4, 4);
		memcpy(initiation + 4, data + 4, 4);
		memcpy(cookie + 4, data + 4, 4);
		assert_int_equal(arrives_at(to, from, data, sizeof data), udp_data_index(v6, wg_shard_of(index, n)));
	}
	assert_int_equal(arrives_at(to, from, initiation, sizeof initiation), v6 ? UDP_V6_INITIATIONS : UDP_V4_INITIATIONS);
	assert_int_equal(arrives_at(to, from, response, sizeof response), v6 ? UDP_V6_REPLIES : UDP_V4_REPLIES);
	assert_int_equal(arrives_at(to, from, cookie, sizeof cookie), v6 ? UDP_V6_REPLIES : UDP_V4_REPLIES);
	close(from);
}

static void each_index_has_its_socket(void **state)
{
	struct udp to;

	(void)state;
	for (unsigned int n = 0; n <= UDP_DATA_MAX + 1; n++) {
		unsigned int want = n < 1 ? 1 : n < UDP_DATA_MAX ? n : UDP_DATA_MAX;
		assert_int_equal(udp_open_shards(&to, 0, 0, 0, n), 0);
		for (int v6 = 0; v6 < 2; v6++) {
			if (to.sockets[v6].fd < 0 || to.sockets[UDP_V4_REPLIES + v6].fd < 0)
				continue;
			assert_int_equal(to.n_data[v6], want);
			data_goes_to_the_socket_of_its_index(&to, v6);
		}
		udp_close(&to);
		assert_int_equal(udp_shards(&to), 1);
		for (unsigned int i = 0; i < UDP_SOCKETS; i++)
			assert_true(to.sockets[i].fd < 0);
	}
}

static void without_separate_sockets_there_is_one(void **state)
{
	struct udp u;

	(void)state;
	assert_int_equal(udp_open_shards(&u, 0, 0, OFFLOAD_NO_SPLIT, 4), 0);
	assert_int_equal(udp_shards(&u), 1);
	assert_true(u.sockets[UDP_V4_MORE].fd < 0 && u.sockets[UDP_V6_MORE].fd < 0);
	udp_close(&u);
}

/* With few descriptors, there are as many as can be opened, and the others are not chosen. */
static void as_many_are_open_as_are_possible(void **state)
{
	struct rlimit before, few;
	struct udp to;
	int next = dup(0);

	(void)state;
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 7; /* both first sockets, the guard, handshakes, and two for data */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(udp_open_shards(&to, 0, 0, 0, UDP_DATA_MAX), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(to.n_data[UDP_V4] < UDP_DATA_MAX);
	if (to.sockets[UDP_V4_REPLIES].fd >= 0)
		data_goes_to_the_socket_of_its_index(&to, false);
	udp_close(&to);
}

static void send_from(struct udp *u, unsigned int number, const struct ip_endpoint *to)
{
	static struct udp_tx tx;
	uint8_t data[DATA_BYTES] = { 4 };
	struct wg_path path = { .remote = *to };
	struct wg_buf buf = { .dst = data, .out_n = sizeof data, .verdict = WG_TO_UDP };
	struct wg_batch batch = { &buf, 1, &path, 1 };

	data[16] = (uint8_t)number;
	memset(&tx, 0, sizeof tx);
	tx.number = number;
	udp_send(u, &tx, &batch, NS_PER_S);
	assert_int_equal(tx.n_sent, 1);
	assert_ptr_equal(tx.socket, &u->sockets[udp_data_index(false, number % u->n_data[UDP_V4])]);
}

static void workers_send_through_their_own_sockets_from_one_port(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, from;
	struct ip_endpoint to = { .addr = ip_v4((const uint8_t[4]){ 127, 0, 0, 1 }) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t got[DATA_BYTES];
	struct udp u;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	to.port = ntohs(a.sin_port);
	assert_int_equal(udp_open_shards(&u, 0, 0, 0, 3), 0);
	for (unsigned int i = 0; i < 5; i++) {
		send_from(&u, i, &to);
		n = sizeof from;
		assert_int_equal(recvfrom(fd, got, sizeof got, 0, (struct sockaddr *)&from, &n), sizeof got);
		assert_int_equal(got[16], i);
		assert_int_equal(ntohs(from.sin_port), u.port);
	}
	udp_close(&u);
	close(fd);
}

/* Sockets of the same port and address replace others, as many or not, and each kind of message has its socket then. */
static void sockets_that_replace_others_have_their_numbers(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4 * 4 * 2; i++) {
		struct udp_options o = { .n_data = 1 + i / 8 };
		struct udp old, fresh;
		bool is_split;

		assert_int_equal(udp_open_bound(&old, 0, &o), 0);
		is_split = old.sockets[UDP_V4_REPLIES].fd >= 0;
		o.n_data = 1 + i / 2 % 4;
		o.next_to = &old;
		assert_int_equal(udp_open_bound(&fresh, old.port, &o), 0);
		if (i % 2)
			udp_stop_receiving(&old);
		udp_close(&old);
		assert_true(!is_split || fresh.sockets[UDP_V4_REPLIES].fd >= 0);
		for (int v6 = 0; v6 < 2; v6++)
			if (fresh.sockets[v6].fd >= 0 && is_split)
				data_goes_to_the_socket_of_its_index(&fresh, v6);
		udp_close(&fresh);
	}
}

/* Those that are replaced are fewer than there can be now: one socket for everything. */
static void a_group_of_another_size_is_not_divided(void **state)
{
	uint8_t initiation[148] = { 1 }, data[DATA_BYTES] = { 4 };

	(void)state;
	for (unsigned int stop = 0; stop < 2; stop++) {
		struct udp_options o = { .n_data = 2 };
		struct udp old, fresh;

		assert_int_equal(udp_open_bound(&old, 0, &o), 0);
		if (old.slow[UDP_V4][UDP_SLOW_SOCKETS - 1].fd < 0)
			skip();
		close(old.slow[UDP_V4][UDP_SLOW_SOCKETS - 1].fd);
		old.slow[UDP_V4][UDP_SLOW_SOCKETS - 1].fd = -1;
		o.next_to = &old;
		assert_int_equal(udp_open_bound(&fresh, old.port, &o), 0);
		assert_true(fresh.sockets[UDP_V4_REPLIES].fd < 0 && fresh.n_data[UDP_V4] == 1);
		if (stop)
			udp_stop_receiving(&old);
		udp_close(&old);
		for (int i = 0; i < INDICES; i++) {
			int from = socket_to(&fresh, false);
			assert_int_equal(arrives_at(&fresh, from, initiation, sizeof initiation), UDP_V4);
			assert_int_equal(arrives_at(&fresh, from, data, sizeof data), UDP_V4);
			close(from);
		}
		udp_close(&fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_index_has_its_socket),
		cmocka_unit_test(without_separate_sockets_there_is_one),
		cmocka_unit_test(as_many_are_open_as_are_possible),
		cmocka_unit_test(workers_send_through_their_own_sockets_from_one_port),
		cmocka_unit_test(sockets_that_replace_others_have_their_numbers),
		cmocka_unit_test(a_group_of_another_size_is_not_divided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
