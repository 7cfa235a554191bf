/* Reading through the flow queue, and when that is necessary. */
#include "tun_queue.h"

#include <assert.h>
#include <errno.h>
#include "daemon/io/ecn.h"
#include "daemon/io/packet_memory.h"
#include "daemon/process/log.h"

enum {
	OTHERS = 8,  /* so many times as many packets as are not TCP */
	IP4_HEADER = 20, IP6_HEADER = 40, TCP = 6,
};

static_assert(1 + 2 * (int)SLOW_SOCKETS == (int)FLOW_QUEUE_EGRESSES, "an egress for each slow socket");
static_assert(sizeof(struct vnet_header) <= FLOW_QUEUE_NOTE_BYTES, "the header of a super-packet waits with it");

static void set_empty(struct tun_queue *q, uint64_t now_ns)
{
	for (size_t i = 0; i < ARRAY_LEN(q->empty_ns); i++)
		q->empty_ns[i] = now_ns;
}

struct tun_queue *tun_queue_new(const struct flow_seed *seed, uint64_t now_ns)
{
	struct tun_queue *q = packet_memory_new(sizeof *q);

	if (!q)
		return NULL;
	q->memory = packet_memory_new(FLOW_QUEUE_BYTES);
	q->has_lock = pthread_mutex_init(&q->lock, NULL) == 0;
	if (!q->memory || !q->has_lock) {
		tun_queue_free(q);
		return NULL;
	}
	flow_queue_init(&q->flows, q->memory, seed);
	set_empty(q, now_ns);
	return q;
}

void tun_queue_free(struct tun_queue *q)
{
	if (!q)
		return;
	if (q->has_lock)
		pthread_mutex_destroy(&q->lock);
	packet_memory_free(q->memory, FLOW_QUEUE_BYTES);
	packet_memory_free(q, sizeof *q);
}

enum tun_queue_state tun_queue_state(const struct tun_queue *q)
{
	return atomic_load_explicit(&q->state, memory_order_relaxed);
}

uint32_t tun_queue_waiting(const struct tun_queue *q)
{
	return atomic_load_explicit(&q->n_waiting, memory_order_relaxed);
}

static void set_state(struct tun_queue *q)
{
	enum tun_queue_state s = q->flows.n_packets == 0 ? TUN_QUEUE_EMPTY :
				 flow_queue_is_ready(&q->flows) ? TUN_QUEUE_READY : TUN_QUEUE_HELD;

	atomic_store_explicit(&q->state, s, memory_order_relaxed);
	atomic_store_explicit(&q->n_waiting, q->flows.n_segments, memory_order_relaxed);
}

void tun_queue_release(struct tun_queue *q)
{
	for (unsigned int g = 0; g < FLOW_QUEUE_EGRESSES; g++)
		flow_queue_set_egress(&q->flows, g, INT64_MAX);
	set_state(q);
}

bool tun_queue_is_active(const struct tun_queue *q)
{
	return atomic_load_explicit(&q->is_active, memory_order_relaxed);
}

bool tun_queue_is_ending(const struct tun_queue *q, uint64_t now_ns)
{
	return now_ns - q->backlog_ns >= FLOW_QUEUE_INTERVAL_NS;
}

static void activate(struct tun_queue *q, uint64_t now_ns)
{
	atomic_store(&q->is_active, true);
	q->backlog_ns = q->measured_ns = now_ns;
	q->n_read = q->n_other = 0;
	q->has_others = true;
}

static void deactivate(struct tun_queue *q, uint64_t now_ns)
{
	atomic_store(&q->is_active, false);
	set_empty(q, now_ns);
}

uint32_t tun_queue_discard(struct tun_queue *q, uint64_t now_ns, struct wg_tunnel *tunnel, enum wg_drop why)
{
	struct flow_seed seed = q->flows.seed;
	uint32_t n = q->flows.n_segments;

	if (n > 0)
		tunnel_count_drops(tunnel, why, n);
	flow_queue_init(&q->flows, q->memory, &seed);
	memset(q->egresses, 0, sizeof q->egresses);
	q->egresses_used = 0;
	deactivate(q, now_ns);
	set_state(q);
	return n;
}

/* ---- is there a backlog? ---- */

static bool is_tcp(const uint8_t *p, size_t n)
{
	return (n >= IP4_HEADER && p[0] >> 4 == 4 && p[9] == TCP) || (n >= IP6_HEADER && p[0] >> 4 == 6 && p[6] == TCP);
}

/* Packets of several flows, many of which may come from a sender that does not slow down. */
static bool needs_turns(const struct tun_queue *q, const struct tun_queue_sample *s, size_t n)
{
	size_t segments = 0, others = 0;
	uint64_t first;

	for (size_t i = 0; i < n; i++) {
		segments += s[i].segments;
		others += is_tcp(s[i].p, s[i].n) ? 0 : s[i].segments;
	}
	if (others * OTHERS < segments)
		return false;
	first = flow_hash(&q->flows.seed, s[0].p, s[0].n);
	for (size_t i = 1; i < n; i++)
		if (flow_hash(&q->flows.seed, s[i].p, s[i].n) != first)
			return true;
	return false;
}

void tun_queue_observe(struct tun_queue *q, uint64_t now_ns, unsigned int queue,
		       const struct tun_queue_sample *samples, size_t n)
{
	if (n == 0)
		q->empty_ns[queue] = now_ns;
	else if (now_ns - q->empty_ns[queue] >= FLOW_QUEUE_TARGET_NS && needs_turns(q, samples, n))
		activate(q, now_ns);
}

/* ---- slow sockets ---- */

static unsigned int egress_of(const struct wg_path *path, const struct udp_tx *tx)
{
	bool v6 = path->remote.addr.family == IP_V6;
	int slow = slow_paths_find(&tx->slow[v6 ? UDP_V6 : UDP_V4], path, tx->now_ns);

	return slow < 0 ? FLOW_QUEUE_OPEN : 1 + (v6 ? SLOW_SOCKETS : 0) + (unsigned int)slow;
}

static void learn(struct tun_queue *q, const struct wg_batch *b, const struct udp_tx *tx,
		  const struct tun_queue_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct wg_buf *buf = &b->bufs[entries[i].buf];
		unsigned int egress;
		if (entries[i].buf >= b->n || buf->verdict != WG_TO_UDP)
			continue;
		egress = egress_of(&b->paths[buf->path], tx);
		flow_queue_learn(&q->flows, entries[i].hash, egress);
		if (egress == FLOW_QUEUE_OPEN)
			continue;
		q->egresses_used |= 1u << egress;
		q->backlog_ns = tx->now_ns;
	}
}

static bool has_slow_path(const struct wg_batch *b, const struct udp_tx *tx)
{
	for (size_t i = 0; i < b->n_paths; i++)
		if (egress_of(&b->paths[i], tx) != FLOW_QUEUE_OPEN)
			return true;
	return false;
}

void tun_queue_sent(struct tun_queue *q, const struct wg_batch *b, struct udp_tx *tx, const struct tun_queue_entry *entries,
		    size_t n)
{
	bool may_be_slow = tx->slow[UDP_V4].n > 0 || tx->slow[UDP_V6].n > 0;

	if (n == 0 && (!may_be_slow || !has_slow_path(b, tx)))
		return;
	pthread_mutex_lock(&q->lock);
	if (n == 0)
		activate(q, tx->now_ns);
	else if (may_be_slow || q->egresses_used != 0)
		learn(q, b, tx, entries, n);
	pthread_mutex_unlock(&q->lock);
}

/* ---- reading ---- */

static uint16_t n_segments(const struct split *s)
{
	return s->header_n == 0 ? 1 : (uint16_t)((s->n - s->header_n + s->mss - 1) / s->mss);
}

static void add(struct tun_queue *q, uint64_t now_ns, uint64_t hash, const uint8_t *p, uint32_t n, uint16_t segments,
		const struct vnet_header *h)
{
	struct flow_info info = { .segments = segments, .is_markable = h || ecn_is_capable(p, n) };

	if (h)
		memcpy(info.note, h, sizeof *h);
	q->n_read += segments;
	q->n_other += is_tcp(p, n) ? 0 : segments;
	flow_queue_add(&q->flows, now_ns, hash, p, n, &info);
}

/* A super-packet waits as it is, which costs least. Through a slow socket, its segments take turns with other flows. */
static void add_packet(struct tun_queue *q, struct split *s, const struct vnet_header *h, uint8_t *segment, uint64_t now_ns)
{
	uint64_t hash = flow_hash(&q->flows.seed, s->p, s->n);
	uint32_t size;

	if (s->header_n == 0) {
		add(q, now_ns, hash, s->p, s->n, 1, NULL);
		return;
	}
	if (flow_queue_egress(&q->flows, hash) == FLOW_QUEUE_OPEN) {
		add(q, now_ns, hash, s->p, s->n, n_segments(s), h);
		return;
	}
	while ((size = split_size(s)) > 0) {
		split_next(s, segment);
		add(q, now_ns, hash, segment, size, 1, NULL);
	}
}

unsigned int tun_queue_fill(struct tun_queue *q, uint64_t now_ns, struct tun *tun, unsigned int queue,
			    uint8_t *packet, uint8_t *segment, bool *good, bool *deleted)
{
	unsigned int n_invalid = 0;

	*good = true;
	for (unsigned int i = 0; i < TUN_QUEUE_READS_MAX; i++) {
		struct vnet_header h;
		struct split s;
		ssize_t n = tun->ops->read(tun, queue, &h, packet, OFFLOAD_PACKET_MAX + 1);
		if (n <= 0) {
			*deleted |= n == -EBADFD;
			*good = n == 0;
			break;
		}
		if (split_begin(&s, &h, packet, (size_t)n)) {
			add_packet(q, &s, &h, segment, now_ns);
		} else {
			log_verbose("ignored %zu bytes from TUN: not a packet", (size_t)n);
			n_invalid++;
		}
	}
	return n_invalid;
}

void tun_queue_take_begin(struct tun_queue *q, const struct udp *udp, uint64_t now_ns)
{
	for (unsigned int g = 1; g < FLOW_QUEUE_EGRESSES; g++) {
		const struct udp_socket *s = &udp->slow[g > SLOW_SOCKETS ? UDP_V6 : UDP_V4][(g - 1) % SLOW_SOCKETS];
		if (q->egresses_used & 1u << g)
			flow_queue_set_egress(&q->flows, g, egress_limit_observe(&q->egresses[g], now_ns, udp_waiting(s),
						flow_queue_is_held(&q->flows, g), q->flows.n_at_egress[g]));
	}
}

bool tun_queue_take(struct tun_queue *q, uint64_t now_ns, struct flow_taken *t, struct vnet_header *header)
{
	if (!flow_queue_take(&q->flows, now_ns, t))
		return false;
	memcpy(header, flow_queue_info(&q->flows, t)->note, sizeof *header);
	return true;
}

static void measure(struct tun_queue *q, uint64_t now_ns)
{
	if (now_ns - q->measured_ns < FLOW_QUEUE_INTERVAL_NS)
		return;
	q->has_others = q->n_other * OTHERS >= q->n_read;
	q->n_read = q->n_other = 0;
	q->measured_ns = now_ns;
}

uint64_t tun_queue_take_end(struct tun_queue *q, struct wg_tunnel *tunnel, uint64_t now_ns)
{
	uint64_t late = q->flows.dropped_late, full = q->flows.dropped_full;

	if (late > 0)
		tunnel_count_drops(tunnel, WG_DROP_FLOW_DELAY, late);
	if (full > 0)
		tunnel_count_drops(tunnel, WG_DROP_FLOW_FULL, full);
	q->flows.dropped_late = q->flows.dropped_full = 0;
	measure(q, now_ns);
	if (q->flows.n_packets > 0 && (!flow_queue_is_ready(&q->flows) || (q->flows.n_flows > 1 && q->has_others)))
		q->backlog_ns = now_ns;
	else if (q->flows.n_packets == 0 && tun_queue_is_ending(q, now_ns))
		deactivate(q, now_ns);
	set_state(q);
	return late + full;
}
