/* Sockets that are bound to addresses and devices. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <net/if.h>
#include <unistd.h>
#include "daemon/io/udp.h"

static struct udp_options options_of(const char *lines)
{
	struct udp_options o = { .n_data = 2 };

	assert_true(binding_read_lines(&o.binding, span_of(lines)));
	o.ifindex = o.binding.device[0] ? if_nametoindex(o.binding.device) : 0;
	return o;
}

static struct ip_addr local_of(int fd, uint16_t *port)
{
	struct sockaddr_in6 a;
	struct sockaddr_in v4;
	socklen_t n = sizeof a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	memcpy(&v4, &a, sizeof v4);
	*port = ntohs(a.sin6_port);
	return a.sin6_family == AF_INET ? ip_v4((const uint8_t *)&v4.sin_addr) : ip_v6(a.sin6_addr.s6_addr);
}

static void assert_bound(const struct udp_socket *s, uint16_t want_port, const struct udp_options *o)
{
	char device[IF_NAMESIZE] = "";
	socklen_t n = sizeof device;
	uint16_t port;
	struct ip_addr a;

	if (s->fd < 0)
		return;
	a = local_of(s->fd, &port);
	assert_int_equal(port, want_port);
	assert_true(o->binding.source[s->v6].family == IP_NONE || ip_equal(&a, &o->binding.source[s->v6]));
	assert_int_equal(s->has_source, o->binding.source[s->v6].family != IP_NONE);
	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, device, &n), 0);
	assert_string_equal(n > 0 ? device : "", o->binding.device);
}

static void assert_all_bound(const struct udp *u, const struct udp_options *o)
{
	for (size_t i = 0; i < UDP_SOCKETS; i++)
		assert_bound(&u->sockets[i], u->port, o);
	for (size_t i = 0; i < 2 * UDP_SLOW_SOCKETS; i++)
		assert_bound(&u->slow[i / UDP_SLOW_SOCKETS][i % UDP_SLOW_SOCKETS], u->port, o);
}

static bool has_ipv6(void)
{
	struct udp_options o = options_of("source_address=::1\n");

	return udp_probe_binding(&o) == 0;
}

/* Each of them is opened while the one before has the same port. */
static void sockets_on_one_port_follow_each_other(void **state)
{
	static const char *const all[] = { "", "source_address=127.0.0.2\n", "source_address=127.0.0.3\n", "bind_device=lo\n",
					   "bind_device=lo\nsource_address=127.0.0.2\n", "source_address=::1\n",
					   "source_address=127.0.0.2\nsource_address=::1\nbind_device=lo\n", "" };
	struct udp u, fresh;
	bool v6 = has_ipv6();

	(void)state;
	assert_int_equal(udp_open_shards(&u, 0, 0, 0, 2), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct udp_options o = options_of(all[i]);
		if (!v6 && o.binding.source[1].family)
			continue;
		o.next_to = &u;
		assert_int_equal(udp_open_bound(&fresh, u.port, &o), 0);
		assert_int_equal(fresh.port, u.port);
		assert_all_bound(&fresh, &o);
		assert_int_equal(fresh.sockets[UDP_V4].fd >= 0, binding_has_family(&o.binding, false));
		if (v6)
			assert_int_equal(fresh.sockets[UDP_V6].fd >= 0, binding_has_family(&o.binding, true));
		udp_close(&u);
		u = fresh;
	}
	udp_close(&u);
}

/* Sends a message of each type to the port, and expects it at the socket for it. */
static void messages_reach_their_sockets(const struct udp *u, const char *address)
{
	static const struct { uint8_t type, index; uint16_t n; enum udp_socket_index at; } all[] = {
		{ 1, 0, 148, UDP_V4_INITIATIONS }, { 2, 0, 92, UDP_V4_REPLIES }, { 3, 0, 64, UDP_V4_REPLIES },
		{ 4, 0, 32, UDP_V4 }, { 4, 1, 32, UDP_V4_MORE },
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(u->port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_addr ip;

	assert_true(ip_parse(&ip, span_of(address)));
	memcpy(&to.sin_addr, ip.b, 4);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		uint8_t message[148] = { all[i].type, [7] = all[i].index };
		struct pollfd p = { u->sockets[all[i].at].fd, POLLIN, 0 };
		assert_int_equal(sendto(fd, message, all[i].n, 0, (struct sockaddr *)&to, sizeof to), all[i].n);
		assert_int_equal(poll(&p, 1, 5000), 1);
		assert_int_equal(recv(p.fd, message, sizeof message, 0), all[i].n);
	}
	close(fd);
}

/* The kernel numbers sockets that share a port, and gives the number of one that is closed to another. */
static void messages_reach_the_sockets_that_followed(void **state)
{
	static const char *const all[] = { "", "", "source_address=127.0.0.2\n", "source_address=127.0.0.2\n",
					   "source_address=127.0.0.2\nsource_address=::1\n", "bind_device=lo\n", "bind_device=lo\n", "" };
	struct udp u, fresh;

	(void)state;
	assert_int_equal(udp_open_shards(&u, 0, 0, 0, 2), 0);
	if (u.sockets[UDP_V4_INITIATIONS].fd < 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct udp_options o = options_of(all[i]);
		if (o.binding.source[1].family && !has_ipv6())
			continue;
		o.next_to = &u;
		assert_int_equal(udp_open_bound(&fresh, u.port, &o), 0);
		udp_close(&u);
		u = fresh;
		messages_reach_their_sockets(&u, o.binding.source[0].family ? "127.0.0.2" : "127.0.0.1");
	}
	udp_close(&u);
}

/* 0 or -errno of a process of the same user that binds the port of this address. */
static int bind_next_to(const char *address, uint16_t port, bool share)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct ip_addr ip;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = share, error = 0;

	assert_true(ip_parse(&ip, span_of(address)));
	memcpy(&a.sin_addr, ip.b, 4);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		error = -errno;
	close(fd);
	return error;
}

static void other_processes_have_the_other_addresses_only(void **state)
{
	struct udp_options o = options_of("source_address=127.0.0.2\n");
	struct udp u, fresh;

	(void)state;
	assert_int_equal(udp_open_bound(&u, 0, &o), 0);
	if (u.guard_v4 < 0)
		skip();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bind_next_to("127.0.0.2", u.port, true), -EADDRINUSE);
		assert_int_equal(bind_next_to("127.0.0.2", u.port, false), -EADDRINUSE);
		assert_int_equal(bind_next_to("0.0.0.0", u.port, true), -EADDRINUSE);
		assert_int_equal(bind_next_to("127.0.0.3", u.port, false), 0);
		o.next_to = &u;
		if (i == 0) { /* one that cannot be opened changes nothing */
			o.binding.source[0].b[0] = 198;
			assert_int_equal(udp_open_bound(&fresh, u.port, &o), -EADDRNOTAVAIL);
			o.binding.source[0].b[0] = 127;
		} else {
			assert_int_equal(udp_open_bound(&fresh, u.port, &o), 0);
			udp_close(&u);
			u = fresh;
		}
	}
	udp_close(&u);
}

static void missing_addresses_and_devices(void **state)
{
	struct udp_options o = options_of("source_address=198.51.100.77\n");
	struct udp u;

	(void)state;
	assert_int_equal(udp_probe_binding(&o), -EADDRNOTAVAIL);
	assert_int_equal(udp_open_bound(&u, 0, &o), -EADDRNOTAVAIL);
	o.address_may_be_missing = true;
	assert_int_equal(udp_probe_binding(&o), 0);
	assert_int_equal(udp_open_bound(&u, 0, &o), 0);
	udp_close(&u);
	o = options_of("bind_device=lo\nsource_address=127.0.0.2\n");
	o.ifindex = UDP_NO_DEVICE;
	assert_int_equal(udp_open_bound(&u, 0, &o), 0);
	assert_int_equal(u.ifindex, UDP_NO_DEVICE);
	udp_close(&u);
}

/* Sends a datagram along the path, and returns the source from which it arrives; IP_NONE: it does not. */
static struct ip_addr send_along(struct udp *u, const char *learned, int wait_ms)
{
	static struct udp_tx tx;
	uint8_t bytes[32] = { 4 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000009) } }, from = { 0 };
	socklen_t n = sizeof to;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct pollfd p = { fd, POLLIN, 0 };
	struct wg_path path = { .remote.addr = ip_v4((const uint8_t *)&to.sin_addr) };
	struct wg_buf buf = { .verdict = WG_TO_UDP, .dst = bytes, .out_n = sizeof bytes };
	struct wg_batch b = { .bufs = &buf, .n = 1, .paths = &path, .n_paths = 1 };
	struct ip_addr none = { 0 };

	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
	path.remote.port = ntohs(to.sin_port);
	if (learned)
		assert_true(ip_parse(&path.local, span_of(learned)));
	tx = (struct udp_tx){ .n = 0 };
	udp_send(u, &tx, &b, 1);
	if (poll(&p, 1, wait_ms) == 1)
		assert_int_equal(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n), sizeof bytes);
	close(fd);
	return from.sin_family == AF_INET ? ip_v4((const uint8_t *)&from.sin_addr) : none;
}

static void the_source_is_that_of_the_binding(void **state)
{
	static const struct {
		const char *lines, *learned, *source; /* null: nothing leaves */
	} all[] = {
		{ "", "127.0.0.5", "127.0.0.5" },
		{ "source_address=127.0.0.2\n", "127.0.0.5", "127.0.0.2" },
		{ "source_address=127.0.0.2\n", NULL, "127.0.0.2" },
		{ "bind_device=lo\n", "127.0.0.5", "127.0.0.5" },
		{ "bind_device=none\n", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct udp_options o = options_of(all[i].lines);
		struct ip_addr got, want = { 0 };
		struct udp u;
		if (o.binding.device[0] && !o.ifindex)
			o.ifindex = UDP_NO_DEVICE;
		assert_true(!all[i].source || ip_parse(&want, span_of(all[i].source)));
		assert_int_equal(udp_open_bound(&u, 0, &o), 0);
		got = send_along(&u, all[i].learned, all[i].source ? 60000 : 0);
		assert_true(ip_equal(&got, &want));
		udp_close(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_on_one_port_follow_each_other),
		cmocka_unit_test(messages_reach_the_sockets_that_followed),
		cmocka_unit_test(other_processes_have_the_other_addresses_only),
		cmocka_unit_test(missing_addresses_and_devices),
		cmocka_unit_test(the_source_is_that_of_the_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
