/* ceiling NAME PORT HOST PORT: a tunnel with WireGuard's framing but without cryptography, to measure what the packet path
 * of wireguardd would carry if sealing and opening were copies. It is that packet path, with the daemon's TUN, UDP,
 * offloads and workers and as many threads (WG_THREADS); the functions here replace those of libproto. */
#include <arpa/inet.h>
#include <poll.h>

#include "daemon/process/clock.h"
#include "daemon/control/control.h"
#include "bench.h"

enum { HEADER = 16, OVERHEAD = 32, MTU = 1420 };

static struct wg_path far_end;
static struct control c;

static uint32_t padded(uint32_t n)
{
	uint32_t up = (n + 15) & ~15u;

	return up <= MTU ? up : n < MTU ? MTU : n;
}

uint32_t tunnel_sealed_size(const struct wg_tunnel *t, uint32_t n)
{
	(void)t;
	return padded(n) + OVERHEAD;
}

bool path_equal(const struct wg_path *a, const struct wg_path *b)
{
	return a == b; /* the only one is far_end */
}

void tunnel_seal(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	(void)t, (void)now_ns;
	b->paths[0] = far_end;
	b->n_paths = 1;
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		uint32_t n = padded(buf->n);
		if (buf->src != buf->dst + HEADER)
			memcpy(buf->dst + HEADER, buf->src, buf->n);
		memset(buf->dst, 0, HEADER);
		memset(buf->dst + HEADER + buf->n, 0, n - buf->n + HEADER);
		buf->dst[0] = 4;
		buf->out_n = n + OVERHEAD;
		buf->path = 0;
		buf->tos = 0;
		buf->verdict = WG_TO_UDP;
	}
}

void tunnel_seal_in_order(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
			  const struct wg_seal_order *order)
{
	tunnel_seal(t, now_ns, b);
	order->counters_reserved(order->ctx);
}

/* One peer: batches leave in the order in which they were read. */
uint32_t *tunnel_run_order(const struct wg_run *runs, size_t i)
{
	static uint32_t order;

	(void)runs, (void)i;
	return &order;
}

void tunnel_open(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	(void)t, (void)now_ns;
	for (size_t i = 0; i < b->n; i++) {
		struct wg_buf *buf = &b->bufs[i];
		const uint8_t *p = buf->dst;
		buf->verdict = WG_DONE;
		if (buf->n < OVERHEAD + 20)
			continue;
		if (buf->dst != buf->src + HEADER)
			memcpy(buf->dst, buf->src + HEADER, buf->n - OVERHEAD);
		buf->out_n = p[0] >> 4 == 4 ? load_be16(p + 2) : load_be16(p + 4) + 40u;
		if (buf->out_n <= buf->n - OVERHEAD)
			buf->verdict = WG_TO_TUN;
	}
}

void tunnel_control_tun(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b)
{
	(void)t, (void)now_ns, (void)b;
}

void tunnel_control_udp(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, bool under_load)
{
	(void)t, (void)now_ns, (void)b, (void)under_load;
}

bool tunnel_control_next(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *out, struct wg_path *to)
{
	(void)t, (void)now_ns, (void)out, (void)to;
	return false;
}

bool tunnel_needs_control(const struct wg_tunnel *t)
{
	(void)t;
	return false;
}

void tunnel_tx_failed(struct wg_tunnel *t, const struct wg_path *path, unsigned int datagrams, uint64_t bytes,
		      enum wg_drop why)
{
	(void)t, (void)path, (void)datagrams, (void)bytes, (void)why;
}

void tunnel_count_drops(struct wg_tunnel *t, enum wg_drop why, uint64_t n)
{
	(void)t, (void)why, (void)n;
}

void tunnel_queue_emptied(struct wg_tunnel *t)
{
	(void)t;
}

void tunnel_set_yield(void (*yield)(void))
{
	(void)yield;
}

void tunnel_clear_source(struct wg_tunnel *t, const struct wg_path *path)
{
	(void)t, (void)path;
}

void tunnel_keep_source(struct wg_tunnel *t, const struct wg_path *path)
{
	(void)t, (void)path;
}

static void from_tun(struct loop_source *s, uint32_t events)
{
	(void)s, (void)events;
	worker_serve_tun(c.worker);
}

static void from_udp(struct loop_source *s, uint32_t events)
{
	(void)s, (void)events;
	worker_serve_udp(c.worker, &c.udp.sockets[UDP_V4]);
}

static void run_alone(void)
{
	struct loop_source *udp = &c.udp_sources[UDP_V4].source;

	must(loop_init(&c.loop) == 0, "loop");
	c.worker = worker_new(NULL, &c.tun, &c.udp, &c.icmp);
	must(c.worker != NULL, "worker");
	c.tun_source.ready = from_tun;
	udp->ready = from_udp;
	must(loop_add(&c.loop, &c.tun_source, c.tun.fd, EPOLLIN) == 0 &&
	     loop_add(&c.loop, udp, c.udp.sockets[UDP_V4].fd, EPOLLIN) == 0, "epoll");
	while (!c.worker->tun_deleted)
		must(loop_run_once(&c.loop, false) == 0, "event loop");
}

static void run_threads(unsigned int threads)
{
	const struct flow_seed seed = { 1, 2 };
	struct pollfd p = { .events = POLLIN };

	c.queue = tun_queue_new(&seed, clock_boot_ns());
	must(c.queue != NULL, "queue");
	c.threads.shared.queue = c.queue;
	c.threads.tun = &c.tun;
	c.threads.udp = &c.udp;
	c.threads.icmp = &c.icmp;
	must(threads_init(&c.threads, threads) == 0 && threads_start(&c.threads) == 0, "threads");
	threads_pause(&c.threads);
	must(threads_set_source(&c.threads, THREADS_TUN, c.tun.fd) == 0 &&
	     threads_set_source(&c.threads, THREADS_UDP_V4, c.udp.sockets[UDP_V4].fd) == 0, "epoll");
	threads_resume(&c.threads);
	p.fd = c.threads.wake;
	do {
		(void)poll(&p, 1, -1);
		threads_clear_wake(&c.threads);
	} while (!threads_test_clear_tun_failed(&c.threads));
	threads_free(&c.threads);
	tun_queue_free(c.queue);
}

int main(int argc, char **argv)
{
	const char *setting = getenv("WG_THREADS");
	unsigned int threads = setting ? (unsigned int)atoi(setting) : threads_default();
	uint8_t host[4];

	must(argc == 5 && inet_pton(AF_INET, argv[3], host) == 1, "ceiling NAME PORT HOST PORT");
	far_end.remote = (struct ip_endpoint){ ip_v4(host), .port = (uint16_t)atoi(argv[4]) };
	must(tun_open(&c.tun, argv[1], 1, 0) == 0, "tun");
	must(udp_open(&c.udp, (uint16_t)atoi(argv[2]), 0, 0) == 0, "udp");
	if (threads > 0)
		run_threads(threads);
	else
		run_alone();
	return EXIT_SUCCESS;
}
