/* From TUN: read, cut, seal, send. From UDP: receive, open, join, write. */
#include "worker.h"

#include <errno.h>
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "daemon/io/packet_memory.h"

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

static void hand_over(struct worker *w, struct handover *to, struct handed head, const uint8_t *bytes)
{
	head.ticket = w->place->ticket;
	(void)handover_put(to, &head, bytes);
	w->place->handed = true;
}

static void source_refused(void *ctx, const struct wg_path *path)
{
	struct worker *w = ctx;

	if (w->place)
		hand_over(w, &w->place->all->from_udp,
			  (struct handed){ .kind = HANDED_SOURCE, .path = *path }, NULL);
	else
		tunnel_clear_source(w->tunnel, path);
}

static void unsent(void *ctx, const struct wg_path *path, size_t bytes)
{
	struct worker *w = ctx;

	if (w->place)
		place_enter(w->place);
	tunnel_tx_failed(w->tunnel, path, bytes);
	if (w->place)
		place_leave(w->place);
}

struct worker *worker_new(struct wg_tunnel *tunnel, struct tun *tun, struct udp *udp,
			  struct icmp *icmp)
{
	struct worker *w = pages_new(sizeof *w);

	if (!w)
		return NULL;
	w->tunnel = tunnel;
	w->tun = tun;
	w->udp = udp;
	w->icmp = icmp;
	w->batch = (struct wg_batch){ .bufs = w->bufs, .paths = w->paths };
	w->outbox.source_refused = source_refused;
	w->outbox.unsent = unsent;
	w->outbox.ctx = w;
	w->room = pages_new(WORKER_ROOM + WORKER_ASIDE);
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
	pages_free(w->room, WORKER_ROOM + WORKER_ASIDE);
	udp_inbox_free(&w->inbox);
	pages_free(w, sizeof *w);
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
		if (b->verdict != WG_DONE ||
		    (b->drop != WG_DROP_NO_PEER && b->drop != WG_DROP_NO_ENDPOINT))
			continue;
		if (!w->place)
			icmp_unreachable(w->icmp, now_ns, b->src, b->n);
		else if (icmp_may(w->icmp, now_ns))
			hand_over(w, &w->place->all->from_tun,
				  (struct handed){ .kind = HANDED_UNREACHABLE,
						   .n = b->n < ICMP_MESSAGE_MAX ? b->n :
										  ICMP_MESSAGE_MAX },
				  b->src);
	}
}

static bool has_control(const struct wg_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->bufs[i].verdict == WG_CONTROL)
			return true;
	return false;
}

static void seal_and_send_alone(struct worker *w)
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

/* What has no session goes to control in the order of the batches, and before a session appears. */
static void numbered(void *ctx)
{
	struct worker *w = ctx;

	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_CONTROL)
			hand_over(w, &w->place->all->from_tun,
				  (struct handed){ .kind = HANDED_PACKET, .n = b->n }, b->src);
	}
	place_numbered(w->place);
}

static void seal_and_send_beside(struct worker *w)
{
	const struct wg_seal_order order = { numbered, w, w->runs };
	uint64_t now_ns;

	place_queue(w->place);
	place_wait_for_counters(w->place);
	place_enter(w->place);
	now_ns = clock_boot_ns();
	tunnel_seal_in_order(w->tunnel, now_ns, &w->batch, &order);
	place_leave(w->place);
	place_wait_to_send(w->place);
	udp_send(w->udp, &w->outbox, &w->batch);
	place_sent(w->place);
	tell_unreachable(w, now_ns);
	w->batch.n = 0;
}

static void seal_and_send(struct worker *w)
{
	if (w->place)
		seal_and_send_beside(w);
	else
		seal_and_send_alone(w);
}

/* The packet of n bytes after the room for its header. Returns where the next datagram follows without a
 * gap, so that the system copies many as one piece. */
static size_t add_to_seal(struct worker *w, size_t at, uint32_t n)
{
	uint32_t sealed = tunnel_sealed_size(w->tunnel, n);
	uint8_t *dst = w->room + at;

	w->bufs[w->batch.n++] = (struct wg_buf){ .src = dst + HEADER, .dst = dst, .n = n, .out_n = sealed };
	return at + sealed;
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
		at = add_to_seal(w, at, size);
	}
	return at;
}

/* What was read: in the room from `at` on, or aside. A packet is sealed where it is, if it is in the room; a
 * super-packet is only read from, so it may be anywhere, best in warm memory. */
static size_t take(struct worker *w, struct split *s, size_t at)
{
	bool aside = w->reads_aside;

	w->reads_aside = s->header_n > 0;
	if (s->header_n > 0)
		return cut(w, s, aside ? at : align_up(at + HEADER + s->n));
	if (aside)
		memcpy(w->room + at + HEADER, s->p, s->n);
	return add_to_seal(w, at, s->n);
}

bool worker_read_tun(struct worker *w)
{
	size_t at = 0, most = WORKER_BUFS;

	if (w->place && w->place->all->many)
		most = WORKER_BUFS_BESIDE;
	/* Room for a super-packet, and for the first packets cut from it. */
	while (w->batch.n < most && at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_ROOM) {
		uint8_t *packet = w->room + (w->reads_aside ? WORKER_ROOM : at + HEADER);
		struct virtio_net_hdr h;
		struct split s;
		ssize_t n = w->tun->ops->read(w->tun, &h, packet, OFFLOAD_PACKET_MAX + 1);
		if (n <= 0) {
			w->tun_gone |= n == -EBADFD;
			return n == 0;
		}
		if (split_begin(&s, &h, packet, (size_t)n))
			at = take(w, &s, at);
		else
			log_verbose("TUN handed over %zu bytes that are no packet", (size_t)n);
	}
	return true;
}

void worker_finish_tun(struct worker *w)
{
	w->place->is_last = true;
	seal_and_send(w);
	w->place->is_last = false;
}

void worker_from_tun(struct worker *w)
{
	worker_read_tun(w); /* what an error means is said by tun_gone */
	seal_and_send(w);
}

/* ---- from UDP ---- */

bool worker_ring_is_full(const struct worker *w)
{
	return w->ring_n == WORKER_RING;
}

void worker_put_handshake(struct worker *w, const struct wg_path *path, uint8_t tos,
			  const uint8_t *bytes, size_t n)
{
	struct worker_handshake *h = &w->ring[(w->ring_first + w->ring_n) % WORKER_RING];

	if (worker_ring_is_full(w) || n > sizeof h->bytes) {
		w->ring_lost++;
		return;
	}
	h->path = *path;
	h->n = (uint16_t)n;
	h->tos = tos;
	memcpy(h->bytes, bytes, n);
	w->ring_n++;
}

static void set_aside(struct worker *w, const struct wg_buf *b)
{
	const struct wg_path *path = &w->paths[b->path];

	if (w->place)
		hand_over(w, &w->place->all->from_udp,
			  (struct handed){ .kind = HANDED_HANDSHAKE, .path = *path, .tos = b->tos,
					   .n = b->n },
			  b->src);
	else
		worker_put_handshake(w, path, b->tos, b->src, b->n);
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

static void open_batch(struct worker *w)
{
	if (!w->place) {
		tunnel_open(w->tunnel, clock_boot_ns(), &w->batch);
		return;
	}
	place_queue(w->place);
	place_enter(w->place);
	tunnel_open(w->tunnel, clock_boot_ns(), &w->batch);
	place_leave(w->place);
}

static void open_and_write(struct worker *w, size_t n_paths)
{
	w->batch.n_paths = n_paths;
	open_batch(w);
	join_begin(&w->join, w->tun->join);
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_TO_TUN)
			join_add(&w->join, b->dst, b->out_n);
		else if (b->verdict == WG_CONTROL)
			set_aside(w, b);
	}
	if (w->place)
		place_wait_to_send(w->place);
	write_to_tun(w);
	if (w->place)
		place_sent(w->place);
	w->batch.n = 0;
}

/* One receive call: how many messages. Opens what there is no room for. */
static unsigned int receive(struct worker *w, struct udp_socket *s)
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
	return messages;
}

/* False: that was all there is. */
static bool receive_and_open(struct worker *w, struct udp_socket *s)
{
	unsigned int messages = receive(w, s);

	if (w->batch.n > 0)
		open_and_write(w, messages);
	return messages == (s->gro ? UDP_IN_GRO_MAX : UDP_IN_MAX);
}

void worker_read_udp(struct worker *w, struct udp_socket *s)
{
	w->messages = receive(w, s);
}

void worker_finish_udp(struct worker *w)
{
	w->place->is_last = true;
	open_and_write(w, w->messages);
	w->place->is_last = false;
}

void worker_from_udp(struct worker *w, struct udp_socket *s)
{
	bool more = true;

	if (s->handshakes) { /* as many as the ring takes; data does not queue behind the others */
		while (more && WORKER_RING - w->ring_n >= UDP_IN_MAX)
			more = receive_and_open(w, s);
		return;
	}
	if (!w->more)
		w->received_ns = clock_boot_ns();
	for (unsigned int i = 0; more && i < UDP_IN_MAX / UDP_IN_GRO_MAX; i++)
		more = receive_and_open(w, s);
	w->more |= more;
}

/* ---- control ---- */

void worker_stage(struct worker *w, uint64_t now_ns, const uint8_t *packet, uint32_t n)
{
	struct wg_buf buf = { .src = packet, .n = n, .verdict = WG_CONTROL };
	struct wg_batch b = { &buf, 1, NULL, 0 };

	tunnel_control_tun(w->tunnel, now_ns, &b);
}

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
			if (n_paths == 0 || w->paths[n_paths - 1].tx_index != w->paths[n_paths].tx_index ||
			    !path_equal(&w->paths[n_paths - 1], &w->paths[n_paths]))
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

void worker_drain(struct worker *w)
{
	drain(w, clock_boot_ns());
}

bool worker_is_busy(const struct worker *w)
{
	return w->ring_n > 0;
}
