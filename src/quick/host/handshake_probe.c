/* A handshake by a tunnel without an interface. */
#include "handshake_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "clock.h"
#include "proto/tunnel.h"

struct probe {
	struct wg_tunnel *tunnel;
	struct wg_tunnel_peer *peer;
	struct ip_endpoint to;
	int fd;
	uint8_t in[WG_DATAGRAM_MAX + 1], out[WG_DATAGRAM_MAX + WG_OVERHEAD];
};

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	(void)ctx;
	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno != EINTR)
			abort(); /* there is no key without it */
		at += got > 0 ? got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	*unix_s = (uint64_t)t.tv_sec;
	*ns = (uint32_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_boot_ms() * NS_PER_MS;
}

/* 0, or a negative number and errno. */
static int bind_as(int fd, const struct wg_binding *b, bool v6)
{
	struct sockaddr_in from4 = { .sin_family = AF_INET };
	struct sockaddr_in6 from6 = { .sin6_family = AF_INET6 };

	if (b->device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, b->device, (socklen_t)strlen(b->device)) < 0)
		return -1;
	if (b->source[v6].family == IP_NONE)
		return 0;
	memcpy(&from4.sin_addr, b->source[0].b, sizeof from4.sin_addr);
	memcpy(&from6.sin6_addr, b->source[1].b, sizeof from6.sin6_addr);
	return v6 ? bind(fd, (struct sockaddr *)&from6, sizeof from6) : bind(fd, (struct sockaddr *)&from4, sizeof from4);
}

/* Only datagrams from there are received. 0 or -errno. */
static int open_socket(struct probe *p, uint32_t mark, const struct wg_binding *b)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(p->to.port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->to.port), .sin6_scope_id = p->to.scope };
	bool is_v6 = p->to.addr.family == IP_V6;

	memcpy(&v4.sin_addr, p->to.addr.b, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, p->to.addr.b, sizeof v6.sin6_addr);
	p->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind_as(p->fd, b, is_v6) < 0 || (mark && setsockopt(p->fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) ||
	    (is_v6 ? connect(p->fd, (struct sockaddr *)&v6, sizeof v6) : connect(p->fd, (struct sockaddr *)&v4, sizeof v4)) < 0)
		return -errno;
	return 0;
}

/* 0 or -errno. */
static int begin(struct probe *p, const struct wg_device *d, const struct wg_binding *b, const struct wg_peer *peer)
{
	static const struct wg_env env = { .random = env_random, .realtime = env_realtime };
	int r;

	p->tunnel = tunnel_new(&env);
	if (!p->tunnel)
		return -ENOMEM;
	tunnel_set_private_key(p->tunnel, &d->private_key);
	r = tunnel_peer_add(&p->peer, p->tunnel, &peer->public_key);
	if (r < 0)
		return r;
	if (peer->flags & WG_PEER_HAS_PSK)
		tunnel_peer_set_psk(p->tunnel, p->peer, &peer->psk);
	tunnel_peer_set_endpoint(p->tunnel, p->peer, &p->to);
	tunnel_up(p->tunnel, now_ns());
	tunnel_peer_send_keepalive(p->tunnel, p->peer);
	return open_socket(p, d->fwmark, b);
}

/* The message that begins the handshake, again after five seconds, or with a cookie. */
static int send_all(struct probe *p)
{
	struct wg_buf b = { .dst = p->out };
	struct wg_path path;

	while (tunnel_control_next(p->tunnel, now_ns(), &b, &path)) {
		if (send(p->fd, b.dst, b.out_n, 0) < 0 && errno != ECONNREFUSED && errno != EINTR && errno != EAGAIN)
			return -errno;
		b = (struct wg_buf){ .dst = p->out };
	}
	return 0;
}

/* A response is a valid one when the tunnel has a session. The keepalive that would follow, and let the peer use it, is not
 * sent. */
static bool receive(struct probe *p)
{
	ssize_t n = recv(p->fd, p->in, sizeof p->in, 0);
	struct wg_path path = { .remote = p->to };
	struct wg_buf b = { .src = p->in, .dst = p->out, .n = n > 0 ? (uint32_t)n : 0 };
	struct wg_batch batch = { .bufs = &b, .n = 1, .paths = &path, .n_paths = 1 };
	struct wg_peer_state state;
	bool done;

	if (n <= 0)
		return false;
	tunnel_open(p->tunnel, now_ns(), &batch);
	if (b.verdict == WG_CONTROL)
		tunnel_control_udp(p->tunnel, now_ns(), &batch, false);
	tunnel_peer_state(p->tunnel, p->peer, &state);
	done = state.handshake_s != 0;
	mem_wipe(&state, sizeof state);
	return done;
}

static int await_response(struct probe *p, unsigned int timeout_ms)
{
	uint64_t end_ms = clock_boot_ms() + timeout_ms;
	int r = send_all(p);

	while (r == 0) {
		struct pollfd f = { .fd = p->fd, .events = POLLIN };
		uint64_t at_ms = clock_boot_ms();
		if (at_ms >= end_ms)
			return -ETIMEDOUT;
		if (poll(&f, 1, (int)(end_ms - at_ms)) > 0 && receive(p))
			return 0;
		if (tunnel_deadline(p->tunnel) <= now_ns()) {
			tunnel_tick(p->tunnel, now_ns());
			r = send_all(p);
		}
	}
	return r;
}

int handshake_probe(const struct wg_device *d, const struct wg_binding *b, const struct wg_peer *peer, const struct ip_endpoint *to,
		    unsigned int timeout_ms)
{
	struct probe *p = calloc(1, sizeof *p);
	int r;

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	p->to = *to;
	r = begin(p, d, b, peer);
	if (r == 0)
		r = await_response(p, timeout_ms);
	if (p->fd >= 0)
		close(p->fd);
	tunnel_free(p->tunnel);
	free(p);
	return r;
}
