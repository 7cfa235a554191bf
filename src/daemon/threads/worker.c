/* The packet path. From the TUN: read, split, seal, send. From UDP: receive, open, join, write. */
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>
#include "daemon/io/packet_memory.h"
#include "daemon/io/route_query.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"

enum {
	CACHE_LINE = 64,
	HEADER = 16,               /* of a data message, before the packet (whitepaper, 5.4.6) */
	PADDING_AND_TAG = 15 + 16, /* at most so many bytes after it */
	EMPTY_CALLS_MAX = 512,     /* for more of the smallest datagrams than a receive buffer holds */
	CONTROL_BATCH = 8,             /* handshakes between two reads of the clock */
	CONTROL_BATCH_UNDER_LOAD = 32, /* most are answered with a cookie, which is cheap */
};
#define CONTROL_BUDGET_NS (2 * NS_PER_MS)
#define UNDER_LOAD_FOR_NS NS_PER_S

static_assert(WORKER_BUFS <= UINT16_MAX, "wg_buf.path holds every index");
static_assert((int)UDP_RX_MESSAGES_MAX <= (int)WORKER_BUFS, "each message may have its own path");
static_assert((int)WORKER_BUFS <= (int)JOIN_PACKETS_MAX, "a whole batch can be joined");
static_assert((int)WORKER_SPARE_BYTES >= OFFLOAD_PACKET_MAX + 1, "a super-packet fits, and a longer one shows");
static_assert(HEADER + PADDING_AND_TAG == WG_OVERHEAD + 15, "header, tag and the longest padding");

/* ---- lifetime, and mail for control ---- */

/* why: under which it counts as dropped if the mailbox is full; WG_DROP_NONE: it is counted already. */
static void post(struct worker *w, struct mailbox *to, struct mail header, const uint8_t *bytes, enum wg_drop why)
{
	header.ticket = w->ticket.number;
	if (!mailbox_post(to, &header, bytes) && why != WG_DROP_NONE)
		tunnel_count_drops(w->tunnel, why, 1);
	w->has_posted = true;
}

static void begin_reading(struct worker *w)
{
	if (w->shared)
		brlock_read_lock(&w->tunnel_reader);
}

static void end_reading(struct worker *w)
{
	if (w->shared)
		brlock_read_unlock(&w->tunnel_reader);
}

static void source_refused(void *ctx, const struct wg_path *path)
{
	struct worker *w = ctx;

	begin_reading(w);
	tunnel_clear_source(w->tunnel, path);
	end_reading(w);
}

static void source_kept(void *ctx, const struct wg_path *path)
{
	struct worker *w = ctx;

	begin_reading(w);
	tunnel_keep_source(w->tunnel, path);
	end_reading(w);
}

static int look_up(void *ctx, const struct wg_path *path, uint32_t *ifindex)
{
	struct worker *w = ctx;

	return route_query_path(&w->routes, path, w->udp->port, atomic_load(&w->udp->mark), ifindex);
}

static void tx_failed(void *ctx, const struct wg_path *path, unsigned int datagrams, size_t bytes, bool queue_full)
{
	struct worker *w = ctx;
	enum wg_drop why = queue_full ? WG_DROP_SEND_QUEUE : WG_DROP_SEND;

	begin_reading(w);
	tunnel_tx_failed(w->tunnel, path, datagrams, bytes, why);
	end_reading(w);
}

struct worker *worker_new(struct wg_tunnel *tunnel, struct tun *tun, struct udp *udp,
			  struct icmp *icmp)
{
	struct worker *w = packet_memory_new(sizeof *w);

	if (!w)
		return NULL;
	w->tunnel = tunnel;
	w->tun = tun;
	w->udp = udp;
	w->icmp = icmp;
	w->routes.fd = -1;
	w->batch = (struct wg_batch){ .bufs = w->bufs, .paths = w->paths };
	w->tx.source_refused = source_refused;
	w->tx.source_kept = source_kept;
	w->tx.look_up = look_up;
	w->tx.unsent = tx_failed;
	w->tx.ctx = w;
	w->buffer = packet_memory_new(WORKER_BUFFER_BYTES + WORKER_SPARE_BYTES);
	if (!w->buffer || !udp_rx_init(&w->rx)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

bool worker_share(struct worker *w, struct worker_shared *shared)
{
	w->shared = shared;
	return brlock_add_reader(&shared->tunnel_lock, &w->tunnel_reader);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	packet_memory_free(w->buffer, WORKER_BUFFER_BYTES + WORKER_SPARE_BYTES);
	udp_rx_free(&w->rx);
	if (w->routes.fd >= 0)
		close(w->routes.fd);
	packet_memory_free(w, sizeof *w);
}

/* Waiting inside a reader section would be a deadlock: the threads with earlier tickets may have to wait for a
 * writer, which waits for this section to end. */
static void wait_for_output(struct worker *w)
{
	assert(!w->tunnel_reader.is_inside);
	ticket_wait_output(&w->ticket);
}

static size_t align_up(size_t n)
{
	return (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

/* Sends the batch, and counts it. */
static void send_batch(struct worker *w, uint64_t now_ns)
{
	udp_send(w->udp, &w->tx, &w->batch, now_ns);
	counter_add(&w->counters.sent_datagrams, w->tx.n_sent);
	w->tx.n_sent = 0;
}

/* ---- from the TUN ---- */

/* ICMP errors for the packets that no peer takes. A data thread leaves sending them to control. */
static void report_unreachable(struct worker *w, uint64_t now_ns)
{
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict != WG_DONE ||
		    (b->drop != WG_DROP_NO_PEER && b->drop != WG_DROP_NO_ENDPOINT))
			continue;
		if (!w->shared)
			icmp_send_unreachable(w->icmp, now_ns, b->src, b->n);
		else if (icmp_has_token(w->icmp, now_ns))
			post(w, &w->shared->tun_mail,
			     (struct mail){ .kind = MAIL_UNREACHABLE,
					    .n = b->n < ICMP_MESSAGE_MAX ? b->n : ICMP_MESSAGE_MAX },
			     b->src, WG_DROP_NONE);
	}
}

static bool has_control(const struct wg_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->bufs[i].verdict == WG_CONTROL)
			return true;
	return false;
}

/* Control's worker. */
static void seal_and_send_alone(struct worker *w)
{
	uint64_t now_ns = clock_boot_ns();

	if (w->batch.n == 0)
		return;
	tunnel_seal(w->tunnel, now_ns, &w->batch);
	udp_check_sources(w->udp, &w->tx, &w->batch);
	send_batch(w, now_ns);
	if (has_control(&w->batch))
		tunnel_control_tun(w->tunnel, now_ns, &w->batch);
	report_unreachable(w, now_ns);
	w->batch.n = 0;
}

/* The tunnel calls it in the reader section, when each packet has its verdict and counter. Packets without a
 * session are posted here, in ticket order, and before a session can appear that later packets would use. */
static void counters_reserved(void *ctx)
{
	struct worker *w = ctx;

	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_CONTROL)
			post(w, &w->shared->tun_mail, (struct mail){ .kind = MAIL_PACKET, .n = b->n }, b->src,
			     WG_DROP_CONTROL_QUEUE);
	}
	ticket_pass_counters(&w->ticket);
}

/* A data thread's worker. Counters are assigned in ticket order, several threads encrypt at once, and the
 * datagrams are sent in ticket order. */
static void seal_and_send_in_order(struct worker *w)
{
	const struct wg_seal_order order = { counters_reserved, w, w->runs };
	uint64_t now_ns;

	assert(!w->tunnel_reader.is_inside); /* see wait_for_output */
	ticket_take(&w->ticket);
	ticket_wait_counters(&w->ticket);
	brlock_read_lock(&w->tunnel_reader);
	now_ns = clock_boot_ns();
	tunnel_seal_in_order(w->tunnel, now_ns, &w->batch, &order);
	brlock_read_unlock(&w->tunnel_reader);
	udp_check_sources(w->udp, &w->tx, &w->batch);
	wait_for_output(w);
	send_batch(w, now_ns);
	ticket_pass_output(&w->ticket);
	report_unreachable(w, now_ns);
	w->batch.n = 0;
}

static void seal_and_send(struct worker *w)
{
	counter_add(&w->counters.tun_batches, w->batch.n > 0);
	counter_add(&w->counters.tun_packets, w->batch.n);
	if (w->shared)
		seal_and_send_in_order(w);
	else
		seal_and_send_alone(w);
}

/* Adds the packet of n bytes at buffer + at + HEADER to the batch. Returns the offset at which the next
 * datagram follows without a gap, so that the kernel copies many as one piece. */
static inline size_t add_to_seal(struct worker *w, size_t at, uint32_t n)
{
	uint32_t sealed = tunnel_sealed_size(w->tunnel, n);
	uint8_t *dst = w->buffer + at;

	assert(w->batch.n < WORKER_BUFS && at + sealed <= WORKER_BUFFER_BYTES);
	w->bufs[w->batch.n++] = (struct wg_buf){ .src = dst + HEADER, .dst = dst, .n = n, .out_n = sealed };
	return at + sealed;
}

/* Splits a super-packet into the buffer from `at` on; sends the batch when it is full. Returns the offset of
 * the free space. */
static size_t split_super_packet(struct worker *w, struct split *s, size_t at)
{
	size_t start = at;
	uint32_t size;

	while ((size = split_size(s)) > 0) {
		if (w->batch.n == WORKER_BUFS || at + HEADER + size + PADDING_AND_TAG > WORKER_BUFFER_BYTES) {
			seal_and_send(w);
			at = start;
		}
		split_next(s, w->buffer + at + HEADER);
		at = add_to_seal(w, at, size);
	}
	return at;
}

/* Adds a packet that was read to buffer + at + HEADER, or to the spare space. A plain packet is sealed in
 * place, so it must be in the buffer. A super-packet is only read from, so it may be anywhere: best in memory
 * that is in the cache. Returns the offset of the free space. */
static size_t add_read(struct worker *w, struct split *s, size_t at)
{
	bool in_spare = w->reads_to_spare;

	w->reads_to_spare = s->header_n > 0;
	if (s->header_n > 0)
		return split_super_packet(w, s, in_spare ? at : align_up(at + HEADER + s->n));
	if (in_spare)
		memcpy(w->buffer + at + HEADER, s->p, s->n);
	return add_to_seal(w, at, s->n);
}

bool worker_read_tun(struct worker *w)
{
	size_t at = 0, most = WORKER_BUFS;

	if (w->shared && w->shared->many_threads)
		most = WORKER_BUFS_SHARED;
	/* Space for a super-packet, and for the first segments split from it. */
	while (w->batch.n < most && at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_BUFFER_BYTES) {
		uint8_t *packet = w->buffer + (w->reads_to_spare ? WORKER_BUFFER_BYTES : at + HEADER);
		struct vnet_header h;
		struct split s;
		ssize_t n = w->tun->ops->read(w->tun, &h, packet, OFFLOAD_PACKET_MAX + 1);
		if (n <= 0) {
			w->tun_deleted |= n == -EBADFD;
			return n == 0;
		}
		if (split_begin(&s, &h, packet, (size_t)n)) {
			at = add_read(w, &s, at);
			continue;
		}
		log_verbose("ignored %zu bytes from TUN: not a packet", (size_t)n);
		counter_add(&w->counters.tun_packets, 1);
		tunnel_count_drops(w->tunnel, WG_DROP_TUN_READ, 1);
	}
	return true;
}

void worker_seal_and_send(struct worker *w)
{
	w->ticket.is_last_batch = true;
	seal_and_send(w);
	w->ticket.is_last_batch = false;
}

void worker_serve_tun(struct worker *w)
{
	worker_read_tun(w); /* tun_deleted reports the error that matters */
	seal_and_send(w);
}

/* ---- from UDP ---- */

static void defer_handshake(struct worker *w, const struct wg_buf *b)
{
	const struct wg_path *path = &w->paths[b->path];

	if (w->shared)
		post(w, &w->shared->udp_mail,
		     (struct mail){ .kind = MAIL_HANDSHAKE, .path = *path, .tos = b->tos, .n = b->n },
		     b->src, WG_DROP_HANDSHAKE_QUEUE);
	else
		worker_queue_handshake(w, path, b->tos, b->src, b->n);
}

/* The kernel refused a joined packet: writes its packets one by one, unless the first is refused for the same reason.
 * Others are joined as before: that a kernel takes no joined packets at all is known since the TUN was opened. Returns how
 * many were written. */
static unsigned int write_separately(struct worker *w, uint32_t item, int error)
{
	const struct join_item *it = &w->join.items[item];
	struct vnet_header none = { 0 };
	uint16_t packet = it->first;
	unsigned int n_written = 0;

	log_verbose("TUN refused %u joined %s packets: %s", it->count, it->protocol == 17 ? "UDP" : "TCP",
		    strerror(-error));
	for (unsigned int i = 0; i < it->count; i++, packet = w->join.next[packet]) {
		struct iovec iov[2] = { { &none, sizeof none } };
		iov[1].iov_base = (void *)(uintptr_t)w->join.packets[packet].p;
		iov[1].iov_len = w->join.packets[packet].n;
		int result = w->tun->ops->write(w->tun, iov, 2);
		w->tun_deleted |= result == -EBADFD;
		n_written += result == 0;
		if (result == -EBADFD || (i == 0 && result == error))
			break;
	}
	return n_written;
}

static void write_to_tun(struct worker *w)
{
	struct iovec iov[JOIN_IOV_MAX];
	uint8_t header[JOIN_HEADER_MAX];
	struct vnet_header h;
	uint32_t n_packets = 0, n_written = 0;

	for (uint32_t i = 0; i < w->join.n_items; i++) {
		unsigned int n = join_frame(&w->join, i, &h, header, iov), count = w->join.items[i].count;
		int error = w->tun->ops->write(w->tun, iov, n);
		n_packets += count;
		if (!error)
			n_written += count;
		else if (error == -EBADFD)
			w->tun_deleted = true;
		else if (count > 1)
			n_written += write_separately(w, i, error);
	}
	counter_add(&w->counters.written_packets, n_written);
	if (n_written < n_packets)
		tunnel_count_drops(w->tunnel, WG_DROP_TUN_WRITE, n_packets - n_written);
}

static void open_batch(struct worker *w)
{
	if (!w->shared) {
		tunnel_open(w->tunnel, clock_boot_ns(), &w->batch);
		return;
	}
	ticket_take(&w->ticket);
	brlock_read_lock(&w->tunnel_reader);
	tunnel_open(w->tunnel, clock_boot_ns(), &w->batch);
	brlock_read_unlock(&w->tunnel_reader);
}

static void open_and_write(struct worker *w, size_t n_paths)
{
	w->batch.n_paths = n_paths;
	counter_add(&w->counters.udp_batches, 1);
	counter_add(&w->counters.udp_datagrams, w->batch.n);
	open_batch(w);
	join_begin(&w->join, w->tun->join, &w->tun->tunnels);
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_TO_TUN)
			join_add(&w->join, b->dst, b->out_n);
		else if (b->verdict == WG_CONTROL)
			defer_handshake(w, b);
	}
	if (w->shared)
		wait_for_output(w);
	write_to_tun(w);
	if (w->shared)
		ticket_pass_output(&w->ticket);
	w->batch.n = 0;
}

/* One receive call. Returns the number of messages. Opens and writes a part of them when the batch is full. */
static unsigned int receive(struct worker *w, struct udp_socket *s, unsigned int most)
{
	uint32_t version = atomic_load_explicit(&w->udp->routes_version, memory_order_relaxed);
	unsigned int messages = udp_receive(s, &w->rx, most);

	for (unsigned int i = 0; i < messages; i++) {
		struct udp_rx_message m;
		if (!udp_rx_get(&w->rx, i, &m)) {
			counter_add(&w->counters.udp_datagrams, 1);
			tunnel_count_drops(w->tunnel, WG_DROP_TRUNCATED, 1);
			continue;
		}
		w->paths[i] = m.path;
		w->paths[i].routes_version = version;
		for (uint32_t at = 0; at < m.n; at += m.segment_bytes) {
			uint32_t n = m.n - at < m.segment_bytes ? m.n - at : m.segment_bytes;
			if (w->batch.n == WORKER_BUFS)
				open_and_write(w, i + 1);
			w->bufs[w->batch.n++] = (struct wg_buf){
				.src = m.p + at, .dst = m.p + at + HEADER, .n = n,
				.path = (uint16_t)i, .tos = m.tos,
			};
		}
	}
	return messages;
}

/* False: the socket is empty. */
static bool receive_and_open(struct worker *w, struct udp_socket *s, unsigned int most)
{
	unsigned int messages = receive(w, s, most);

	if (w->batch.n > 0)
		open_and_write(w, messages);
	return messages == most;
}

void worker_receive_udp(struct worker *w, struct udp_socket *s)
{
	w->n_messages = receive(w, s, udp_receive_max(s));
}

void worker_open_and_write(struct worker *w)
{
	w->ticket.is_last_batch = true;
	open_and_write(w, w->n_messages);
	w->ticket.is_last_batch = false;
}

/* As many as the queue takes; the others wait in the socket, which holds no data. Messages that are dropped at once do not
 * fill the queue, so the number of calls is limited as well. */
static void serve_handshakes(struct worker *w, struct udp_socket *s)
{
	for (unsigned int i = 0; i < WORKER_RECEIVES_MAX; i++) {
		unsigned int space = handshake_queue_space(&w->handshakes, s->kind) /
				     (s->gro ? UDP_RX_SEGMENTS_MAX : 1);
		unsigned int most = udp_receive_max(s);
		if (space < most)
			most = space;
		if (most == 0 || !receive_and_open(w, s, most))
			return;
	}
}

void worker_serve_udp(struct worker *w, struct udp_socket *s)
{
	bool more = true;

	if (s->kind != UDP_DATA) {
		serve_handshakes(w, s);
		return;
	}
	if (!w->udp_pending)
		w->receive_start_ns = clock_boot_ns();
	for (unsigned int i = 0; more && i < UDP_RX_MESSAGES_MAX / UDP_RX_GRO_MESSAGES_MAX; i++)
		more = receive_and_open(w, s, udp_receive_max(s));
	w->udp_pending |= more;
}

void worker_empty_udp(struct worker *w, struct udp_socket *s)
{
	bool more = true;

	for (unsigned int i = 0; more && i < EMPTY_CALLS_MAX; i++)
		more = receive_and_open(w, s, udp_receive_max(s));
}

/* ---- control ---- */

void worker_queue_handshake(struct worker *w, const struct wg_path *path, uint8_t tos, const uint8_t *bytes,
			    size_t n)
{
	if (!handshake_queue_add(&w->handshakes, path, tos, bytes, n))
		tunnel_count_drops(w->tunnel, WG_DROP_HANDSHAKE_QUEUE, 1);
}

void worker_stage_packet(struct worker *w, uint64_t now_ns, const uint8_t *packet, uint32_t n)
{
	struct wg_buf buf = { .src = packet, .n = n, .verdict = WG_CONTROL };
	struct wg_batch b = { &buf, 1, NULL, 0 };

	tunnel_control_tun(w->tunnel, now_ns, &b);
}

static void process_handshakes(struct worker *w, uint64_t now_ns)
{
	const struct waiting_handshake *h;
	size_t n = 0, most;

	if (handshake_queue_n(&w->handshakes) >= WORKER_UNDER_LOAD)
		w->under_load_until_ns = now_ns + UNDER_LOAD_FOR_NS;
	most = now_ns < w->under_load_until_ns ? CONTROL_BATCH_UNDER_LOAD : CONTROL_BATCH;
	for (; n < most && (h = handshake_queue_take(&w->handshakes)); n++) {
		w->bufs[n] = (struct wg_buf){ .src = h->bytes, .n = h->n, .path = (uint16_t)n,
					      .tos = h->tos, .verdict = WG_CONTROL };
		w->paths[n] = h->path;
	}
	w->batch.n = w->batch.n_paths = n;
	tunnel_control_udp(w->tunnel, now_ns, &w->batch, now_ns < w->under_load_until_ns);
	w->batch.n = 0;
}

/* Sends everything that the control half of the tunnel has to send. Neighbours with one path share an entry of
 * `paths`, so that they may leave as one message. */
static void drain(struct worker *w, uint64_t now_ns)
{
	bool more = true;

	while (more) {
		size_t at = 0, n_paths = 0;
		w->batch.n = 0;
		while (w->batch.n < WORKER_BUFS && at + WG_DATAGRAM_MAX <= WORKER_BUFFER_BYTES) {
			struct wg_buf *b = &w->bufs[w->batch.n];
			*b = (struct wg_buf){ .dst = w->buffer + at };
			more = tunnel_control_next(w->tunnel, now_ns, b, &w->paths[n_paths]);
			if (!more)
				break;
			assert(b->out_n <= WG_DATAGRAM_MAX);
			if (n_paths == 0 || w->paths[n_paths - 1].tx_index != w->paths[n_paths].tx_index ||
			    !path_equal(&w->paths[n_paths - 1], &w->paths[n_paths]))
				n_paths++;
			b->path = (uint16_t)(n_paths - 1);
			at = align_up(at + b->out_n);
			w->batch.n++;
		}
		w->batch.n_paths = n_paths;
		udp_check_sources(w->udp, &w->tx, &w->batch);
		if (w->batch.n > 0)
			send_batch(w, now_ns);
	}
	w->batch.n = 0;
}

void worker_run_control(struct worker *w)
{
	uint64_t start_ns = clock_boot_ns(), now_ns = start_ns, budget_ns = CONTROL_BUDGET_NS;

	/* Handshakes that are left over wait in the queue, not in the sockets, where they would displace data.
	 * Under load, handshakes get as much time as receiving took. */
	if (w->udp_pending && now_ns >= w->under_load_until_ns)
		budget_ns = 1; /* one batch */
	else if (w->udp_pending && now_ns - w->receive_start_ns < budget_ns)
		budget_ns = now_ns - w->receive_start_ns;
	while (handshake_queue_n(&w->handshakes) > 0 && now_ns - start_ns < budget_ns) {
		process_handshakes(w, now_ns);
		drain(w, now_ns);
		now_ns = clock_boot_ns();
	}
	drain(w, now_ns);
	w->udp_pending = false;
}

void worker_drain(struct worker *w)
{
	drain(w, clock_boot_ns());
}
