/* A worker: its lifetime, and the functions that its parts share. */
#include "worker.h"

#include <assert.h>
#include <unistd.h>
#include "daemon/io/packet_memory.h"
#include "daemon/io/route_query.h"
#include "worker_internal.h"

static_assert(WORKER_BUFS <= UINT16_MAX, "wg_buf.path holds every index");
static_assert((int)WORKER_SPARE_BYTES >= OFFLOAD_PACKET_MAX + 1, "a super-packet fits, and a longer one shows");
static_assert(HEADER + PADDING_AND_TAG == WG_OVERHEAD + 15, "header, tag and the longest padding");

void worker_post(struct worker *w, struct mailbox *to, struct mail header, const uint8_t *bytes, enum wg_drop why)
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

	return route_query_path(&w->routes, path, w->udp->port, atomic_load(&w->udp->mark), w->udp->ifindex,
				ifindex);
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
	w->queue = shared->queue;
	if (shared->many_threads) {
		w->uncut = packet_memory_new(WORKER_UNCUT_BYTES);
		if (!w->uncut)
			return false;
	}
	return brlock_add_reader(&shared->tunnel_lock, &w->tunnel_reader);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	packet_memory_free(w->buffer, WORKER_BUFFER_BYTES + WORKER_SPARE_BYTES);
	packet_memory_free(w->uncut, WORKER_UNCUT_BYTES);
	udp_rx_free(&w->rx);
	if (w->routes.fd >= 0)
		close(w->routes.fd);
	packet_memory_free(w, sizeof *w);
}

void worker_wait_for_output(struct worker *w)
{
	assert(!w->tunnel_reader.is_inside);
	ticket_wait_output(&w->ticket);
}

void worker_send_batch(struct worker *w, uint64_t now_ns)
{
	udp_send(w->udp, &w->tx, &w->batch, now_ns);
	counter_add(&w->counters.sent_datagrams, w->tx.n_sent);
	w->tx.n_sent = 0;
}
