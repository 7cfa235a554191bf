/* Control's part of the packet path: handshake messages that wait, and all that the control half of the tunnel sends. */
#include <assert.h>
#include "daemon/process/clock.h"
#include "worker_internal.h"

enum {
	CONTROL_BATCH = 8,             /* handshakes between two reads of the clock */
	CONTROL_BATCH_UNDER_LOAD = 32, /* most are answered with a cookie, which is cheap */
};
#define CONTROL_BUDGET_NS (2 * NS_PER_MS)
#define UNDER_LOAD_FOR_NS NS_PER_S

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
			worker_send_batch(w, now_ns);
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
