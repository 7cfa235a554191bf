/* The handshake by which the monitor tries an endpoint leaves from what the sockets of the tunnel are bound to. Over the loopback
 * interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "proto/tunnel.h"
#include "quick/host/handshake_probe.h"

enum { LIMIT_MS = 30000 };

static struct wg_device client = { .flags = WG_DEVICE_HAS_PRIVATE_KEY }, server = { .flags = WG_DEVICE_HAS_PRIVATE_KEY };
static struct wg_peer server_peer = { .flags = WG_PEER_HAS_PUBLIC_KEY };

static void env_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	assert_int_equal(getrandom(p, n, 0), n);
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = (uint64_t)time(NULL);
	*ns = 0;
}

static int setup(void **state)
{
	(void)state;
	env_random(NULL, client.private_key.b, KEY_BYTES);
	env_random(NULL, server.private_key.b, KEY_BYTES);
	x25519_clamp(&client.private_key);
	x25519_clamp(&server.private_key);
	x25519_public(&client.public_key, &client.private_key);
	x25519_public(&server_peer.public_key, &server.private_key);
	return 0;
}

/* ---- the server ---- */

static int open_server(struct ip_endpoint *at)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*at = (struct ip_endpoint){ .addr = ip_v4((const uint8_t *)&a.sin_addr), .port = ntohs(a.sin_port) };
	return fd;
}

static void answer(int fd, const struct sockaddr_in *to, uint8_t *datagram, size_t n)
{
	static const struct wg_env env = { .random = env_random, .realtime = env_realtime };
	static uint8_t out[WG_DATAGRAM_MAX + WG_OVERHEAD];
	struct wg_tunnel *t = tunnel_new(&env);
	struct wg_tunnel_peer *peer;
	struct wg_path path = { .remote = { .addr = ip_v4((const uint8_t *)&to->sin_addr), .port = ntohs(to->sin_port) } };
	struct wg_buf b = { .src = datagram, .dst = out, .n = (uint32_t)n };
	struct wg_batch batch = { .bufs = &b, .n = 1, .paths = &path, .n_paths = 1 };

	assert_non_null(t);
	tunnel_set_private_key(t, &server.private_key);
	assert_int_equal(tunnel_peer_add(&peer, t, &client.public_key), 0);
	tunnel_up(t, NS_PER_S);
	tunnel_open(t, NS_PER_S, &batch);
	assert_int_equal(b.verdict, WG_CONTROL);
	tunnel_control_udp(t, NS_PER_S, &batch, false);
	b = (struct wg_buf){ .dst = out };
	assert_true(tunnel_control_next(t, NS_PER_S, &b, &path)); /* the response */
	assert_int_equal(sendto(fd, b.dst, b.out_n, 0, (const struct sockaddr *)to, sizeof *to), b.out_n);
	tunnel_free(t);
}

/* ---- the probe ---- */

/* The address that the server sees. */
static struct in_addr probe_from(const struct wg_binding *b)
{
	static uint8_t datagram[WG_DATAGRAM_MAX];
	struct sockaddr_in from;
	socklen_t n_from = sizeof from;
	struct ip_endpoint at;
	int fd = open_server(&at), status;
	pid_t child = fork();
	ssize_t n;

	assert_true(child >= 0);
	if (child == 0) {
		int r = handshake_probe(&client, b, &server_peer, &at, LIMIT_MS);
		_exit(r == 0 ? 0 : 1);
	}
	n = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &n_from);
	assert_true(n > 0);
	answer(fd, &from, datagram, (size_t)n);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
	return from.sin_addr;
}

static struct ip_addr address(const char *text)
{
	struct ip_addr a;

	assert_true(ip_parse(&a, span_of(text)));
	return a;
}

static void it_leaves_from_what_the_sockets_are_bound_to(void **state)
{
	const struct wg_binding none = { .device = "" }, device = { .device = "lo" }, source = { .source = { address("127.0.0.2") } },
				both = { .device = "lo", .source = { address("127.0.0.3"), address("::1") } };

	(void)state;
	assert_int_equal(probe_from(&none).s_addr, inet_addr("127.0.0.1"));
	assert_int_equal(probe_from(&device).s_addr, inet_addr("127.0.0.1"));
	assert_int_equal(probe_from(&source).s_addr, inet_addr("127.0.0.2"));
	assert_int_equal(probe_from(&both).s_addr, inet_addr("127.0.0.3"));
}

static void it_leaves_from_nowhere_else(void **state)
{
	const struct wg_binding no_device = { .device = "no-such-device" }, no_address = { .source = { address("192.0.2.1") } };
	struct ip_endpoint at;
	uint8_t byte;
	int fd = open_server(&at);

	(void)state;
	assert_int_equal(handshake_probe(&client, &no_device, &server_peer, &at, LIMIT_MS), -ENODEV);
	assert_int_equal(handshake_probe(&client, &no_address, &server_peer, &at, LIMIT_MS), -EADDRNOTAVAIL);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_leaves_from_what_the_sockets_are_bound_to),
		cmocka_unit_test(it_leaves_from_nowhere_else),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, setup, NULL);
}
