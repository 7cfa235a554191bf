/* From TUN: read, cut, seal, send. From UDP: receive, open, join, write. */
#include "worker.h"

#include <errno.h>
#include <sys/mman.h>
#include "clock.h"
#include "log.h"

enum {
	CACHE_LINE = 64,
	HEADER = 16,            /* of a data message, before the packet */
	SEAL_SPARE = 15 + 16,   /* padding and tag, after it */
	CONTROL_BATCH = 8,      /* handshakes between two looks at the clock */
	CONTROL_BATCH_LOADED = 32, /* mostly answered with cookies */
};
#define CONTROL_BUDGET_NS (2 * NS_PER_MS)
#define LOADED_FOR_NS NS_PER_S

/* ---- life ---- */

static void *pages(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, n, MADV_DONTDUMP);
	return p;
}

static void source_refused(void *ctx, const struct wg_path *path)
{
	struct worker *w = ctx;

	tunnel_forget_source(w->tunnel, path);
}

struct worker *worker_new(struct wg_tunnel *tunnel, struct tun *tun, struct udp *udp,
			  struct icmp *icmp)
{
	struct worker *w = pages(sizeof *w);

	if (!w)
		return NULL;
	w->tunnel = tunnel;
	w->tun = tun;
	w->udp = udp;
	w->icmp = icmp;
	w->batch = (struct wg_batch){ .bufs = w->bufs, .paths = w->paths };
	w->outbox.source_refused = source_refused;
	w->outbox.ctx = w;
	w->room = pages(WORKER_ROOM);
	if (!w->room || !udp_inbox_init(&w->inbox)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->room)
		munmap(w->room, WORKER_ROOM);
	udp_inbox_free(&w->inbox);
	munmap(w, sizeof *w);
}

static size_t align_up(size_t n)
{
	return (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

/* ---- from TUN ---- */

static void tell_unreachable(struct worker *w, uint64_t now_ns)
{
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_DONE &&
		    (b->drop == WG_DROP_NO_PEER || b->drop == WG_DROP_NO_ENDPOINT))
			icmp_unreachable(w->icmp, now_ns, b->src, b->n);
	}
}

static bool has_control(const struct wg_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->bufs[i].verdict == WG_CONTROL)
			return true;
	return false;
}

static void seal_and_send(struct worker *w)
{
	uint64_t now_ns = clock_boot_ns();

	if (w->batch.n == 0)
		return;
	tunnel_seal(w->tunnel, now_ns, &w->batch);
	udp_send(w->udp, &w->outbox, &w->batch);
	if (has_control(&w->batch))
		tunnel_control_tun(w->tunnel, now_ns, &w->batch);
	tell_unreachable(w, now_ns);
	w->batch.n = 0;
}

static void add_to_seal(struct worker *w, uint8_t *dst, uint32_t n)
{
	w->bufs[w->batch.n++] = (struct wg_buf){ .src = dst + HEADER, .dst = dst, .n = n };
}

/* Cuts a super-packet into the room from `at` on; sends when it is full. Returns where room is free. */
static size_t cut(struct worker *w, struct split *s, size_t at)
{
	size_t start = at;
	uint32_t size;

	while ((size = split_size(s)) > 0) {
		if (w->batch.n == WORKER_BUFS || at + HEADER + size + SEAL_SPARE > WORKER_ROOM) {
			seal_and_send(w);
			at = start;
		}
		split_next(s, w->room + at + HEADER);
		add_to_seal(w, w->room + at, size);
		at = align_up(at + HEADER + size + SEAL_SPARE);
	}
	return at;
}

void worker_from_tun(struct worker *w)
{
	size_t at = 0;

	/* Room for a super-packet, and for the first packets cut from it. */
	while (w->batch.n < WORKER_BUFS && at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_ROOM) {
		uint8_t *packet = w->room + at + HEADER;
		struct virtio_net_hdr h;
		struct split s;
		ssize_t n = w->tun->ops->read(w->tun, &h, packet, OFFLOAD_PACKET_MAX + 1);
		if (n <= 0) {
			w->tun_gone |= n == -EBADFD;
			break;
		}
		if (!split_begin(&s, &h, packet, (size_t)n)) {
			log_verbose("TUN handed over %zu bytes that are no packet", (size_t)n);
			continue;
		}
		if (s.header_n == 0) { /* stays where it is and is sealed in place */
			add_to_seal(w, w->room + at, (uint32_t)n);
			at = align_up(at + HEADER + (size_t)n + SEAL_SPARE);
		} else {
			at = cut(w, &s, align_up(at + HEADER + (size_t)n));
		}
	}
	seal_and_send(w);
}

/* ---- from UDP ---- */

static void ring_put(struct worker *w, const struct wg_buf *b)
{
	struct worker_handshake *h = &w->ring[(w->ring_first + w->ring_n) % WORKER_RING];

	if (w->ring_n == WORKER_RING || b->n > sizeof h->bytes) {
		w->ring_lost++;
		return;
	}
	h->path = w->paths[b->path];
	h->n = (uint16_t)b->n;
	h->tos = b->tos;
	memcpy(h->bytes, b->src, b->n);
	w->ring_n++;
}

/* A joined packet that the kernel did not take: each part alone, and no more of them. */
static void write_apart(struct worker *w, uint32_t item)
{
	const struct join_item *it = &w->join.items[item];
	struct virtio_net_hdr none = { 0 };
	uint16_t packet = it->first;

	log_verbose("TUN does not take joined %s", it->protocol == 17 ? "UDP" : "TCP");
	w->tun->join &= it->protocol == 17 ? ~(unsigned int)JOIN_UDP : 0;
	for (unsigned int i = 0; i < it->count; i++, packet = w->join.next[packet]) {
		struct iovec iov[2] = { { &none, sizeof none } };
		iov[1].iov_base = (void *)(uintptr_t)w->join.packets[packet].p;
		iov[1].iov_len = w->join.packets[packet].n;
		if (w->tun->ops->write(w->tun, iov, 2) == -EBADFD)
			w->tun_gone = true;
	}
}

static void write_to_tun(struct worker *w)
{
	struct iovec iov[JOIN_IOV_MAX];
	uint8_t header[JOIN_HEADER_MAX];
	struct virtio_net_hdr h;

	for (uint32_t i = 0; i < w->join.n_items; i++) {
		unsigned int n = join_frame(&w->join, i, &h, header, iov);
		int error = w->tun->ops->write(w->tun, iov, n);
		if (error == -EINVAL && w->join.items[i].count > 1)
			write_apart(w, i);
		else if (error == -EBADFD)
			w->tun_gone = true;
	}
}

static void open_and_write(struct worker *w, size_t n_paths)
{
	if (w->batch.n == 0)
		return;
	w->batch.n_paths = n_paths;
	tunnel_open(w->tunnel, clock_boot_ns(), &w->batch);
	join_begin(&w->join, w->tun->join);
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_TO_TUN)
			join_add(&w->join, b->dst, b->out_n);
		else if (b->verdict == WG_CONTROL)
			ring_put(w, b);
	}
	write_to_tun(w);
	w->batch.n = 0;
}

/* One receive call. False: that was all there is. */
static bool receive(struct worker *w, struct udp_socket *s)
{
	unsigned int messages = udp_receive(s, &w->inbox);

	for (unsigned int i = 0; i < messages; i++) {
		struct udp_received r;
		if (!udp_received_get(&w->inbox, i, &r))
			continue;
		w->paths[i] = r.path;
		for (uint32_t at = 0; at < r.n; at += r.segment) {
			uint32_t n = r.n - at < r.segment ? r.n - at : r.segment;
			if (w->batch.n == WORKER_BUFS)
				open_and_write(w, i + 1);
			w->bufs[w->batch.n++] = (struct wg_buf){
				.src = r.p + at, .dst = r.p + at + HEADER, .n = n,
				.path = (uint16_t)i, .tos = r.tos,
			};
		}
	}
	open_and_write(w, messages);
	return messages == (s->gro ? UDP_IN_GRO_MAX : UDP_IN_MAX);
}

void worker_from_udp(struct worker *w, struct udp_socket *s)
{
	bool more = true;

	if (s->handshakes) { /* as many as the ring takes; data does not queue behind the others */
		while (more && WORKER_RING - w->ring_n >= UDP_IN_MAX)
			more = receive(w, s);
		return;
	}
	if (!w->more)
		w->received_ns = clock_boot_ns();
	for (unsigned int i = 0; more && i < UDP_IN_MAX / UDP_IN_GRO_MAX; i++)
		more = receive(w, s);
	w->more |= more;
}

/* ---- control ---- */

static void handshakes(struct worker *w, uint64_t now_ns)
{
	size_t n = 0, most;

	if (w->ring_n >= WORKER_RING_LOADED)
		w->loaded_until_ns = now_ns + LOADED_FOR_NS;
	most = now_ns < w->loaded_until_ns ? CONTROL_BATCH_LOADED : CONTROL_BATCH;
	for (; n < most && w->ring_n > 0; n++) {
		struct worker_handshake *h = &w->ring[w->ring_first];
		w->bufs[n] = (struct wg_buf){ .src = h->bytes, .n = h->n, .path = (uint16_t)n,
					      .tos = h->tos, .verdict = WG_CONTROL };
		w->paths[n] = h->path;
		w->ring_first = (w->ring_first + 1) % WORKER_RING;
		w->ring_n--;
	}
	w->batch.n = w->batch.n_paths = n;
	tunnel_control_udp(w->tunnel, now_ns, &w->batch, now_ns < w->loaded_until_ns);
	w->batch.n = 0;
}

static bool same_path(const struct wg_path *a, const struct wg_path *b)
{
	return endpoint_equal(&a->remote, &b->remote) && ip_equal(&a->local, &b->local) &&
	       a->ifindex == b->ifindex;
}

/* Everything the tunnel has to say. */
static void drain(struct worker *w, uint64_t now_ns)
{
	bool more = true;

	while (more) {
		size_t at = 0, n_paths = 0;
		w->batch.n = 0;
		while (w->batch.n < WORKER_BUFS && at + WG_DATAGRAM_MAX <= WORKER_ROOM) {
			struct wg_buf *b = &w->bufs[w->batch.n];
			*b = (struct wg_buf){ .dst = w->room + at };
			more = tunnel_control_next(w->tunnel, now_ns, b, &w->paths[n_paths]);
			if (!more)
				break;
			if (n_paths == 0 || !same_path(&w->paths[n_paths - 1], &w->paths[n_paths]))
				n_paths++;
			b->path = (uint16_t)(n_paths - 1);
			at = align_up(at + b->out_n);
			w->batch.n++;
		}
		w->batch.n_paths = n_paths;
		if (w->batch.n > 0)
			udp_send(w->udp, &w->outbox, &w->batch);
	}
	w->batch.n = 0;
}

void worker_control(struct worker *w)
{
	uint64_t start_ns = clock_boot_ns(), now_ns = start_ns, budget_ns = CONTROL_BUDGET_NS;

	/* What is left over piles up in the ring, not in the sockets, where it would displace data. Under
	 * load handshakes get as much time as receiving took. */
	if (w->more && now_ns >= w->loaded_until_ns)
		budget_ns = 1; /* one batch */
	else if (w->more && now_ns - w->received_ns < budget_ns)
		budget_ns = now_ns - w->received_ns;
	while (w->ring_n > 0 && now_ns - start_ns < budget_ns) {
		handshakes(w, now_ns);
		drain(w, now_ns);
		now_ns = clock_boot_ns();
	}
	drain(w, now_ns);
	w->more = false;
}

bool worker_is_busy(const struct worker *w)
{
	return w->ring_n > 0;
}
