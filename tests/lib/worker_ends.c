/* The ends: opening them, and the operations of their TUN. */
#include "worker_ends.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>
#include "daemon/process/clock.h"

struct end a, b;

static ssize_t fake_read(struct tun *t, unsigned int queue, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	struct end *e = (struct end *)(void *)t;
	ssize_t n;

	assert_int_equal(queue, e->worker->tun_queue);
	if (e->offer_next)
		e->offer_next();
	n = e->in_n;
	if (e->in_again > 0)
		e->in_again--;
	else
		e->in_n = 0;
	if (n <= 0)
		return n;
	assert_true((size_t)n <= capacity);
	*h = e->in_header;
	memcpy(p, e->in, (size_t)n);
	return n;
}

static int fake_write(struct tun *t, unsigned int queue, struct iovec *iov, unsigned int n)
{
	struct end *e = (struct end *)(void *)t;
	size_t from = e->out_n;

	assert_true(queue < tun_queues(t));
	if (n > 2 && e->refuse_joined)
		return e->refuse_joined;
	if (e->refuse)
		return e->refuse;
	assert_true(e->frames < OUT_MAX);
	for (unsigned int i = 1; i < n; i++) {
		assert_true(e->out_n + iov[i].iov_len <= sizeof e->out);
		memcpy(e->out + e->out_n, iov[i].iov_base, iov[i].iov_len);
		e->out_n += iov[i].iov_len;
	}
	e->sizes[e->frames++] = (uint32_t)(e->out_n - from);
	return 0;
}

static const struct tun_ops fake_ops = { "fake", fake_read, fake_write };

static void env_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	assert_int_equal(getrandom(p, n, 0), n);
}

static void env_realtime(void *ctx, uint64_t *s, uint32_t *ns)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	*s = (uint64_t)t.tv_sec;
	*ns = (uint32_t)t.tv_nsec;
}

static void end_open(struct end *e)
{
	const struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct wg_private key;

	memset(e, 0, sizeof *e);
	e->tun = (struct tun){ .fd = -1, .ops = &fake_ops };
	e->icmp.v4 = e->icmp.v6 = -1;
	assert_int_equal(udp_open(&e->udp, 0, 0, 0), 0);
	e->tunnel = tunnel_new(&env);
	assert_non_null(e->tunnel);
	e->worker = worker_new(e->tunnel, &e->tun, &e->udp, &e->icmp);
	assert_non_null(e->worker);
	env_random(NULL, &key, sizeof key);
	tunnel_set_private_key(e->tunnel, &key);
	tunnel_up(e->tunnel, clock_boot_ns());
}

static void add_peer(struct end *e, const struct end *other, uint8_t last)
{
	const uint8_t loopback[4] = { 127, 0, 0, 1 }, inner[4] = { 10, 0, 0, last };
	struct ip_endpoint there = { .addr = ip_v4(loopback), .port = other->udp.port };
	struct ip_addr address = ip_v4(inner);
	struct ip_prefix prefix;
	struct wg_public key;

	assert_true(tunnel_public_key(other->tunnel, &key));
	assert_int_equal(tunnel_peer_add(&e->peer, e->tunnel, &key), 0);
	tunnel_peer_set_endpoint(e->tunnel, e->peer, &there);
	assert_true(prefix_make(&prefix, &address, 32));
	assert_int_equal(tunnel_route_add(e->tunnel, e->peer, &prefix), 0);
}

int open_both(void **state)
{
	(void)state;
	end_open(&a);
	end_open(&b);
	add_peer(&a, &b, 2);
	add_peer(&b, &a, 1);
	return 0;
}

int close_both(void **state)
{
	(void)state;
	for (struct end *e = &a; e; e = e == &a ? &b : NULL) {
		worker_free(e->worker);
		tunnel_free(e->tunnel);
		udp_close(&e->udp);
	}
	return 0;
}

void run(struct end *e)
{
	worker_serve_tun(e->worker);
	worker_serve_udp(e->worker, &e->udp.sockets[UDP_V4]);
	worker_serve_udp(e->worker, &e->udp.sockets[UDP_V4_INITIATIONS]);
	worker_serve_udp(e->worker, &e->udp.sockets[UDP_V4_REPLIES]);
	worker_run_control(e->worker);
}

static void wait_for_both(void)
{
	static const enum udp_socket_index used[] = { UDP_V4, UDP_V4_INITIATIONS, UDP_V4_REPLIES };
	struct pollfd p[2 * ARRAY_LEN(used)];

	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		p[i] = (struct pollfd){ (i % 2 ? &a : &b)->udp.sockets[used[i / 2]].fd, POLLIN, 0 };
	assert_true(poll(p, ARRAY_LEN(p), 60000) > 0);
}

void run_until_received(size_t n)
{
	for (int i = 0; b.out_n < n; i++) {
		run(&a);
		run(&b);
		if (b.out_n < n)
			wait_for_both();
		assert_true(i < 1000);
	}
	assert_int_equal(b.out_n, n);
}

uint32_t offer(const struct shape *s)
{
	memset(&a.in_header, 0, sizeof a.in_header);
	a.in_n = shape_make(a.in, s);
	return (uint32_t)a.in_n;
}

uint64_t dropped_at(const struct end *e, enum wg_drop why)
{
	uint64_t counts[WG_DROP_COUNT];

	tunnel_drops(e->tunnel, counts);
	return counts[why];
}

uint32_t offer_super(uint32_t payload)
{
	struct shape s = shape_plain;
	uint32_t n, sum;

	s.payload = payload;
	n = offer(&s);
	a.in_header.gso = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1000, .hdr_len = 40, .csum_start = 20, .csum_offset = 16,
	};
	sum = n - 20 + 6 + slow_sum(0, a.in + 12, 8);
	store_be16(a.in + 36, slow_sum(sum, a.in, 0));
	return n;
}
