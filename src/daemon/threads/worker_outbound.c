/* From the TUN to UDP: read, split, seal, send. */
#include <assert.h>
#include <errno.h>
#include "daemon/io/ecn.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "worker_internal.h"

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
			worker_post(w, &w->shared->tun_mail,
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

/* Not of a part of a batch that did not fit: the queue is locked then. */
static void learn_egresses(struct worker *w)
{
	if (w->queue && !w->is_reading)
		tun_queue_sent(w->queue, &w->batch, &w->tx, w->entries, w->n_entries);
	w->n_entries = 0;
}

/* Control's worker. */
static void seal_and_send_alone(struct worker *w)
{
	uint64_t now_ns = clock_boot_ns();

	if (w->batch.n == 0)
		return;
	tunnel_seal(w->tunnel, now_ns, &w->batch);
	udp_check_sources(w->udp, &w->tx, &w->batch);
	worker_send_batch(w, now_ns);
	learn_egresses(w);
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
			worker_post(w, &w->shared->tun_mail, (struct mail){ .kind = MAIL_PACKET, .n = b->n }, b->src,
			     WG_DROP_CONTROL_QUEUE);
	}
	for (size_t i = 0; i < w->batch.n_paths; i++)
		ticket_follow(&w->ticket, tunnel_run_order(w->runs, i));
	if (has_control(&w->batch)) /* control processes its mail after all earlier batches, and this thread wakes it once */
		ticket_follow_all(&w->ticket);
	ticket_pass_counters(&w->ticket);
}

/* A data thread's worker. Counters are assigned in ticket order, several threads encrypt at once, and the
 * datagrams of each peer are sent in ticket order. */
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
	worker_wait_for_output(w);
	worker_send_batch(w, now_ns);
	ticket_pass_output(&w->ticket);
	learn_egresses(w);
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

/* The offset at which a packet is sealed: that of the packet, or `at` if it was read to the spare space or to `uncut`. */
static size_t offset_of(const struct worker *w, const uint8_t *p, size_t at)
{
	bool in_buffer = p >= w->buffer && p < w->buffer + WORKER_BUFFER_BYTES;

	return in_buffer ? (size_t)(p - w->buffer) - HEADER : at;
}

/* Adds a packet that was read to buffer + at + HEADER, or elsewhere. A plain packet is sealed in place, so it must be in
 * the buffer. A super-packet is only read from, so it may be anywhere: best in memory that is in the cache. Returns the
 * offset of the free space. */
static size_t add_packet(struct worker *w, struct split *s, size_t at)
{
	bool in_buffer = s->p == w->buffer + at + HEADER;

	if (s->header_n > 0)
		return split_super_packet(w, s, in_buffer ? align_up(at + HEADER + s->n) : at);
	if (!in_buffer)
		memcpy(w->buffer + at + HEADER, s->p, s->n);
	return add_to_seal(w, at, s->n);
}

static void count_invalid(struct worker *w, unsigned int n)
{
	counter_add(&w->counters.tun_packets, n);
	tunnel_count_drops(w->tunnel, WG_DROP_TUN_READ, n);
}

/* Splits it if it is a super-packet. Returns the offset of the free space. */
static size_t add_read(struct worker *w, const struct vnet_header *h, uint8_t *p, size_t n, size_t at)
{
	struct split s;

	at = offset_of(w, p, at);
	if (split_begin(&s, h, p, n))
		return add_packet(w, &s, at);
	log_verbose("ignored %zu bytes from TUN: not a packet", n);
	count_invalid(w, 1);
	return at;
}

/* As tun_ops.read. */
static ssize_t read_packet(struct worker *w, struct vnet_header *h, uint8_t *p)
{
	ssize_t n = w->tun->ops->read(w->tun, w->tun_queue, h, p, OFFLOAD_PACKET_MAX + 1);

	if (n > 0)
		w->reads_to_spare = h->gso.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	w->tun_deleted |= n == -EBADFD;
	w->has_read_all = n <= 0;
	return n;
}

/* Splits each super-packet right after reading it, while it is in the cache. */
static bool read_and_split(struct worker *w)
{
	size_t at = 0;

	/* Space for a super-packet, and for the first segments split from it. */
	while (w->batch.n < WORKER_BUFS && at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_BUFFER_BYTES) {
		uint8_t *packet = w->buffer + (w->reads_to_spare ? WORKER_BUFFER_BYTES : at + HEADER);
		struct vnet_header h;
		ssize_t n = read_packet(w, &h, packet);
		if (n <= 0)
			return n == 0;
		at = add_read(w, &h, packet, (size_t)n, at);
	}
	return true;
}

/* An estimate of the packets that this one gives when it is split. */
static size_t packets_in(const struct vnet_header *h, size_t n)
{
	if (h->gso.gso_type == VIRTIO_NET_HDR_GSO_NONE || h->gso.gso_size == 0)
		return 1;
	return (n + h->gso.gso_size - 1) / h->gso.gso_size;
}

/* Reads packets to the buffer, and from the first super-packet on to `uncut`. Nothing here touches the packets. */
static bool read_uncut(struct worker *w)
{
	size_t at = 0, uncut = 0;
	bool in_buffer = !w->reads_to_spare;

	w->read_packets = w->read_bytes = 0;
	while (w->n_reads < WORKER_BUFS_SHARED && w->read_packets < WORKER_BUFS_SHARED &&
	       uncut + OFFLOAD_PACKET_MAX < WORKER_UNCUT_BYTES &&
	       at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_BUFFER_BYTES) {
		struct worker_read *r = &w->reads[w->n_reads];
		ssize_t n;
		r->p = in_buffer ? w->buffer + at + HEADER : w->uncut + uncut;
		n = read_packet(w, &r->header, r->p);
		if (n <= 0)
			return n == 0;
		r->n = (uint32_t)n;
		if (in_buffer)
			at += tunnel_sealed_size(w->tunnel, r->n);
		else
			uncut += align_up(r->n);
		in_buffer &= !w->reads_to_spare;
		w->read_packets += packets_in(&r->header, r->n);
		w->read_bytes += r->n;
		w->n_reads++;
	}
	return true;
}

/* While the ticket is held: a part of the batch leaves when it is full. */
static void split_reads(struct worker *w)
{
	size_t at = 0;

	for (unsigned int i = 0; i < w->n_reads; i++)
		at = add_read(w, &w->reads[i].header, w->reads[i].p, w->reads[i].n, at);
	w->n_reads = 0;
}

/* ---- through the queue ---- */

/* A packet that has waited too long is marked; of a super-packet whose sender does not understand marks, one segment is
 * dropped, which TCP repairs. */
static void mark(struct worker *w, uint8_t *packet, uint32_t n, struct split *s)
{
	if (ecn_is_capable(packet, n)) {
		ecn_mark(packet);
	} else if (s && split_size(s) > 0) {
		split_next(s, w->buffer + WORKER_BUFFER_BYTES - OFFLOAD_PACKET_MAX); /* anywhere behind the batch */
		counter_add(&w->counters.tun_packets, 1);
		tunnel_count_drops(w->tunnel, WG_DROP_FLOW_DELAY, 1);
	}
}

static size_t add_taken(struct worker *w, struct tun_queue *q, const struct flow_taken *t, const struct vnet_header *h,
			size_t at)
{
	bool many = h->gso.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	uint8_t *packet = w->buffer + (many ? WORKER_BUFFER_BYTES : at + HEADER);
	struct split s;

	w->entries[w->n_entries++] = (struct tun_queue_entry){ t->hash, (uint16_t)w->batch.n };
	flow_queue_copy(&q->flows, t, packet);
	if (!many) {
		if (t->must_mark)
			mark(w, packet, t->n, NULL);
		return add_to_seal(w, at, t->n);
	}
	if (!split_begin(&s, h, packet, t->n))
		unreachable(); /* it was valid when it was read */
	if (t->must_mark)
		mark(w, packet, t->n, &s);
	return split_super_packet(w, &s, at);
}

static void take_batch(struct worker *w, struct tun_queue *q, uint64_t now_ns)
{
	struct vnet_header h;
	struct flow_taken t;
	size_t at = 0;

	while (w->n_entries < TUN_QUEUE_BATCH && w->batch.n < TUN_QUEUE_BATCH &&
	       at + 3 * (size_t)OFFLOAD_PACKET_MAX < WORKER_BUFFER_BYTES && tun_queue_take(q, now_ns, &t, &h))
		at = add_taken(w, q, &t, &h, at);
	counter_add(&w->counters.tun_packets, tun_queue_take_end(q, w->tunnel, now_ns));
}

static bool read_queued(struct worker *w, struct tun_queue *q)
{
	uint8_t *spare = w->buffer + WORKER_BUFFER_BYTES;
	uint64_t now_ns = clock_boot_ns();
	bool good = true;

	w->reads_to_spare = true;
	if (!w->only_takes && !tun_queue_is_ending(q, now_ns))
		count_invalid(w, tun_queue_fill(q, now_ns, w->tun, w->tun_queue, spare, w->buffer, &good, &w->tun_deleted));
	now_ns = clock_boot_ns();
	tun_queue_take_begin(q, w->udp, now_ns);
	take_batch(w, q, now_ns);
	return good;
}

/* Tells the queue which packets were read without it. */
static void observe(struct worker *w)
{
	struct tun_queue_sample samples[TUN_QUEUE_SAMPLES];
	size_t n = 0;

	for (size_t i = 0; i < w->batch.n && n < TUN_QUEUE_SAMPLES; i += WORKER_BUFS / TUN_QUEUE_SAMPLES)
		samples[n++] = (struct tun_queue_sample){ w->bufs[i].src, w->bufs[i].n, 1 };
	for (size_t i = 0; i < w->n_reads && n < TUN_QUEUE_SAMPLES; i++) {
		const struct worker_read *r = &w->reads[i];
		samples[n++] = (struct tun_queue_sample){ r->p, r->n, packets_in(&r->header, r->n) };
	}
	tun_queue_observe(w->queue, clock_boot_ns(), w->tun_queue, samples, w->has_read_all ? 0 : n);
}

/* Several threads read several queues of the TUN at once: without the lock of the flow queue, in which there is nothing from
 * this queue, since it was not active and only the holder of the turn fills it. */
static bool read_unlocked(struct worker *w)
{
	bool is_locked = w->shared && w->shared->many_threads && w->queue && tun_queues(w->tun) > 1, good;

	if (is_locked)
		pthread_mutex_unlock(&w->queue->lock);
	good = w->uncut ? read_uncut(w) : read_and_split(w);
	if (is_locked)
		pthread_mutex_lock(&w->queue->lock);
	return good;
}

static bool read_tun(struct worker *w)
{
	bool good;

	if (w->queue && tun_queue_is_active(w->queue))
		return read_queued(w, w->queue);
	if (w->only_takes)
		return true;
	good = read_unlocked(w);
	if (w->queue)
		observe(w);
	return good;
}

bool worker_read_tun(struct worker *w)
{
	bool good;

	w->n_entries = 0;
	w->is_reading = true;
	good = read_tun(w);
	w->is_reading = false;
	return good;
}

void worker_send_queued(struct worker *w, struct tun_queue *q)
{
	tun_queue_release(q);
	while (tun_queue_waiting(q) > 0) {
		take_batch(w, q, clock_boot_ns());
		seal_and_send(w);
	}
}

bool worker_has_read(const struct worker *w)
{
	return w->batch.n > 0 || w->n_reads > 0;
}

void worker_seal_and_send(struct worker *w)
{
	split_reads(w);
	w->ticket.is_last_batch = true;
	seal_and_send(w);
	w->ticket.is_last_batch = false;
}

void worker_serve_tun(struct worker *w)
{
	worker_read_tun(w); /* tun_deleted reports the error that matters */
	seal_and_send(w);
}
