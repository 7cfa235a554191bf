/* From UDP to the TUN: receive, open, join, write. */
#include <assert.h>
#include <errno.h>
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "worker_internal.h"

enum {
	RECEIVER = 4,          /* the place of the receiver index in a data message */
	EMPTY_CALLS_MAX = 2048, /* each for UDP_RX_GRO_MESSAGES_MAX: a receive buffer holds some 20,000 of the smallest datagrams */
};

static_assert((int)UDP_RX_MESSAGES_MAX <= (int)WORKER_BUFS, "each message may have its own path");
static_assert((int)WORKER_BUFS <= (int)JOIN_PACKETS_MAX, "a whole batch can be joined");

static void defer_handshake(struct worker *w, const struct wg_buf *b)
{
	const struct wg_path *path = &w->paths[b->path];

	if (w->shared)
		worker_post(w, &w->shared->udp_mail,
		     (struct mail){ .kind = MAIL_HANDSHAKE, .path = *path, .tos = b->tos, .n = b->n },
		     b->src, WG_DROP_HANDSHAKE_QUEUE);
	else
		worker_queue_handshake(w, path, b->tos, b->src, b->n);
}

/* While many peers are active, all packets of a peer go to one queue of the TUN, from which the kernel then delivers the
 * replies: so batches of different queues have no peer in common, and need not wait for each other. Otherwise the flows are
 * divided, so that several threads read those of a single peer. The header is still in front of the opened packet. */
static unsigned int queue_for(const struct worker *w, uint32_t item)
{
	uint16_t first = w->join.items[item].first;
	const uint8_t *packet = w->join.packets[first].p;

	if (w->shared && atomic_load_explicit(&w->shared->by_shard, memory_order_relaxed))
		return wg_shard_of(load_le32(packet - HEADER + RECEIVER), udp_shards(w->udp)) % tun_queues(w->tun);
	return tun_queue_for(w->tun, packet, w->join.packets[first].n);
}

/* The kernel refused a joined packet: writes its packets one by one, unless the first is refused for the same reason.
 * Others are joined as before: that a kernel takes no joined packets at all is known since the TUN was opened. Returns how
 * many were written. */
static unsigned int write_separately(struct worker *w, uint32_t item, int error)
{
	const struct join_item *it = &w->join.items[item];
	struct vnet_header none = { 0 };
	uint16_t packet = it->first;
	unsigned int n_written = 0, queue = queue_for(w, item);

	log_verbose("TUN refused %u joined %s packets: %s", it->count, it->protocol == 17 ? "UDP" : "TCP",
		    strerror(-error));
	for (unsigned int i = 0; i < it->count; i++, packet = w->join.next[packet]) {
		struct iovec iov[2] = { { &none, sizeof none } };
		iov[1].iov_base = (void *)(uintptr_t)w->join.packets[packet].p;
		iov[1].iov_len = w->join.packets[packet].n;
		int result = w->tun->ops->write(w->tun, queue, iov, 2);
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
		int error = w->tun->ops->write(w->tun, queue_for(w, i), iov, n);
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
	uint64_t n_opened = 0;

	w->batch.n_paths = n_paths;
	counter_add(&w->counters.udp_batches, 1);
	counter_add(&w->counters.udp_datagrams, w->batch.n);
	open_batch(w);
	join_begin(&w->join, w->tun->join, &w->tun->tunnels);
	for (size_t i = 0; i < w->batch.n; i++) {
		const struct wg_buf *b = &w->bufs[i];
		if (b->verdict == WG_CONTROL)
			defer_handshake(w, b);
		if (b->verdict != WG_TO_TUN)
			continue;
		join_add(&w->join, b->dst, b->out_n);
		n_opened++;
	}
	counter_add(&w->counters.opened[w->socket], n_opened);
	if (w->shared)
		worker_wait_for_output(w);
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

void worker_empty_udp(struct worker *w, struct udp_socket *s, uint64_t until_ns)
{
	bool more = true;

	for (unsigned int i = 0; more && i < EMPTY_CALLS_MAX && clock_boot_ns() < until_ns; i++)
		more = receive_and_open(w, s, udp_receive_max(s));
}
