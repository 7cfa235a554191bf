/* Who receives on the port of the daemon: which of its sockets get copies of broadcast and multicast datagrams, and which
 * other processes can bind it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <net/if.h>
#include <sys/resource.h>
#include <unistd.h>
#include "daemon/io/udp.h"

enum { DATAGRAMS = 20, FDS_MAX = 64 };

static const uint8_t data[32] = { 4, 0, 0, 0 };

static struct sockaddr_in6 any_address(bool v6, uint16_t port, socklen_t *n)
{
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (!v6)
		memcpy(&any, &any4, sizeof any4);
	*n = v6 ? sizeof any : sizeof any4;
	return any;
}

static bool is_readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return fd >= 0 && poll(&p, 1, 0) != 0;
}

static bool slow_sockets_are_empty(const struct udp *u)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (int i = 0; i < UDP_SLOW_SOCKETS; i++)
			if (is_readable(u->slow[v6][i].fd))
				return false;
	return true;
}

/* To an address of many, over the loopback device. Waits until the socket for data has got it. */
static void send_and_wait(const struct udp *to, uint32_t address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(to->port), .sin_addr = { htonl(address) } };
	struct pollfd p = { to->sockets[UDP_V4].fd, POLLIN, 0 };
	struct ip_mreqn out = { .imr_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out), 0);
	for (int i = 0; i < DATAGRAMS; i++)
		assert_int_equal(sendto(fd, data, sizeof data, 0, (struct sockaddr *)&a, sizeof a), sizeof data);
	assert_int_equal(poll(&p, 1, 5000), 1);
	close(fd);
}

static void copies_to_all_sockets_are_not_kept_by_those_that_only_send(void **state)
{
	static const uint32_t addresses[] = { 0x7fffffff, 0xe0000001 }; /* 127.255.255.255, 224.0.0.1 */
	struct udp to;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		assert_int_equal(udp_open(&to, 0, 0, 0), 0);
		if (to.slow[UDP_V4][0].fd < 0)
			skip();
		send_and_wait(&to, addresses[i]);
		assert_true(slow_sockets_are_empty(&to));
		if (addresses[i] == 0xe0000001) {
			assert_false(is_readable(to.sockets[UDP_V4_INITIATIONS].fd));
			assert_false(is_readable(to.sockets[UDP_V4_REPLIES].fd));
		}
		udp_close(&to);
	}
}

/* What a process of the same user gets that binds the port with SO_REUSEPORT: 0 or -errno. */
static int share_port(bool v6, uint16_t port)
{
	socklen_t n;
	struct sockaddr_in6 any = any_address(v6, port, &n);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), one = 1, error = 0;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
	if (v6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one), 0);
	if (bind(fd, (struct sockaddr *)&any, n) != 0)
		error = -errno;
	close(fd);
	return error;
}

/* Whichever socket cannot be opened, here for want of a descriptor. */
static void a_port_with_fewer_sockets_is_not_shared_either(void **state)
{
	struct rlimit before, limit;
	bool alone = false, complete = false;
	struct udp u;
	int first;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	first = dup(0);
	assert_true(first >= 0);
	close(first);
	for (int k = 2; k <= FDS_MAX; k++) {
		limit = before;
		limit.rlim_cur = (rlim_t)(first + k);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		int error = udp_open(&u, 0, 0, 0);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		if (error) {
			assert_int_equal(error, -EMFILE);
			continue;
		}
		alone |= u.sockets[UDP_V4_REPLIES].fd < 0;
		complete |= u.guard_v4 >= 0 && u.slow[UDP_V4][UDP_SLOW_SOCKETS - 1].fd >= 0;
		assert_int_equal(share_port(false, u.port), -EADDRINUSE);
		if (u.sockets[UDP_V6].fd >= 0)
			assert_int_equal(share_port(true, u.port), -EADDRINUSE);
		if (u.sockets[UDP_V4_INITIATIONS].fd < 0)
			assert_true(u.slow[UDP_V4][0].fd < 0);
		udp_close(&u);
	}
	assert_true(alone && complete);
}

static void a_socket_of_another_program_on_one_device_is_noticed(void **state)
{
	struct udp u;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), one = 1;
		socklen_t n;
		struct sockaddr_in6 any = any_address(v6, 0, &n);

		if (fd < 0)
			skip();
		if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) != 0)
			skip(); /* needs a capability before Linux 5.7 */
		if (v6)
			assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one), 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&any, n), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &n), 0);
		assert_int_equal(udp_open(&u, ntohs(any.sin6_port), 0, 0), -EADDRINUSE);
		close(fd);
		assert_int_equal(udp_open(&u, ntohs(any.sin6_port), 0, 0), 0);
		udp_close(&u);
	}
}

static void send_data(int fd)
{
	assert_int_equal(send(fd, data, sizeof data, 0), sizeof data);
}

/* Whether the kernel refused what was sent last: no socket has the port. */
static bool is_refused(int fd)
{
	int error = 0;
	socklen_t n = sizeof error;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n), 0);
	return error == ECONNREFUSED;
}

static void sockets_that_stopped_receiving_keep_what_waits(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	uint8_t got[sizeof data];
	struct pollfd p = { .events = POLLIN };
	struct udp to;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	a.sin_port = htons(to.port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	p.fd = to.sockets[UDP_V4].fd;
	send_data(fd);
	assert_int_equal(poll(&p, 1, 5000), 1);
	(void)udp_take_dropped(&to);
	udp_stop_receiving(&to);
	send_data(fd);
	for (int ms = 0; !is_refused(fd) && udp_take_dropped(&to) == 0; ms++) { /* the second one arrives */
		assert_true(ms < 5000);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(recv(to.sockets[UDP_V4].fd, got, sizeof got, 0), sizeof data);
	assert_int_equal(recv(to.sockets[UDP_V4].fd, got, sizeof got, 0), -1);
	close(fd);
	udp_close(&to);
}

/* So that none is lost without being counted between the last look at the drops and closing the sockets. */
static void sockets_that_stopped_receiving_drop_nothing_any_more(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct udp to;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(udp_open(&to, 0, 0, 0), 0);
	if (to.guard_v4 < 0) { /* no SO_BINDTOIFINDEX: it needs Linux 5.0, and a capability before 5.7 */
		udp_close(&to);
		skip();
	}
	a.sin_port = htons(to.port);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	udp_stop_receiving(&to);
	for (int i = 0; i < 3; i++) {
		(void)udp_take_dropped(&to);
		send_data(fd);
		for (int ms = 0; !is_refused(fd); ms++) {
			assert_true(ms < 5000);
			(void)poll(NULL, 0, 1);
		}
		assert_int_equal(udp_take_dropped(&to), 0);
	}
	close(fd);
	udp_close(&to);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_to_all_sockets_are_not_kept_by_those_that_only_send),
		cmocka_unit_test(a_port_with_fewer_sockets_is_not_shared_either),
		cmocka_unit_test(a_socket_of_another_program_on_one_device_is_noticed),
		cmocka_unit_test(sockets_that_stopped_receiving_keep_what_waits),
		cmocka_unit_test(sockets_that_stopped_receiving_drop_nothing_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
