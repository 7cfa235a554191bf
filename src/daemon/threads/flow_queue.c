/* FQ-CoDel: flow table, round robin, CoDel, and the memory of packets. */
#include "flow_queue.h"

#include <assert.h>

#define NONE UINT16_MAX

static_assert(FLOW_QUEUE_CHUNKS < NONE && FLOW_QUEUE_FLOWS < NONE, "numbers fit");
static_assert(FLOW_QUEUE_EGRESSES <= 32, "an egress and a tag fit 16 bits");
static_assert(FLOW_QUEUE_FLOWS_SLOW + 2 * (int)FLOW_QUEUE_EGRESSES < (int)FLOW_QUEUE_FLOWS, "some are left for the open egress");
static_assert((FLOW_QUEUE_BUCKETS & (FLOW_QUEUE_BUCKETS - 1)) == 0, "a power of two");
static_assert(FLOW_QUEUE_BYTES / 2 > FLOW_QUEUE_PACKET_MAX, "dropping makes space for any packet");

void flow_queue_init(struct flow_queue *q, uint8_t *memory, const struct flow_seed *seed)
{
	memset(q, 0, offsetof(struct flow_queue, flows)); /* what follows is written before it is read */
	q->memory = memory;
	q->seed = *seed;
	q->n_free_chunks = FLOW_QUEUE_CHUNKS;
	q->free_chunk = q->free_flow = NONE;
	for (size_t i = 0; i < ARRAY_LEN(q->buckets); i++)
		q->buckets[i] = NONE;
	for (unsigned int k = 0; k < FLOW_LISTS; k++) {
		q->lists[k].first = NONE;
		for (unsigned int egress = 0; egress < FLOW_QUEUE_EGRESSES; egress++)
			q->held[egress][k].first = NONE;
	}
}

/* ---- chunks ---- */

static uint16_t chunk_new(struct flow_queue *q)
{
	uint16_t i = q->free_chunk;

	assert(q->n_free_chunks > 0);
	q->n_free_chunks--;
	if (i == NONE)
		return q->unused_chunk++;
	q->free_chunk = q->next_chunk[i];
	return i;
}

static void chunk_free(struct flow_queue *q, uint16_t i)
{
	q->next_chunk[i] = q->free_chunk;
	q->free_chunk = i;
	q->n_free_chunks++;
}

static uint32_t chunks_of(uint32_t n)
{
	return n == 0 ? 1 : (n + FLOW_QUEUE_CHUNK_BYTES - 1) / FLOW_QUEUE_CHUNK_BYTES;
}

static uint8_t *chunk_bytes(const struct flow_queue *q, uint16_t i)
{
	return q->memory + (size_t)i * FLOW_QUEUE_CHUNK_BYTES;
}

static uint32_t piece(uint32_t left)
{
	return left < FLOW_QUEUE_CHUNK_BYTES ? left : FLOW_QUEUE_CHUNK_BYTES;
}

static uint16_t packet_new(struct flow_queue *q, const uint8_t *p, uint32_t n)
{
	uint16_t first = chunk_new(q), at = first;

	memcpy(chunk_bytes(q, at), p, piece(n));
	for (uint32_t done = piece(n); done < n; done += piece(n - done)) {
		q->next_chunk[at] = chunk_new(q);
		at = q->next_chunk[at];
		memcpy(chunk_bytes(q, at), p + done, piece(n - done));
	}
	return first;
}

/* dst null: only frees it. */
static void packet_free(struct flow_queue *q, uint16_t at, uint8_t *dst)
{
	uint32_t n = q->packets[at].n;

	for (uint32_t done = 0, k = chunks_of(n); k > 0; k--, done += FLOW_QUEUE_CHUNK_BYTES) {
		uint16_t next = q->next_chunk[at];
		if (dst)
			memcpy(dst + done, chunk_bytes(q, at), piece(n - done));
		chunk_free(q, at);
		at = next;
	}
}

/* ---- flows ---- */

static void list_add(struct flow_queue *q, struct flow_fifo *list, uint16_t flow)
{
	q->flows[flow].next_in_list = NONE;
	if (list->first == NONE)
		list->first = flow;
	else
		q->flows[list->last].next_in_list = flow;
	list->last = flow;
}

static void list_remove_first(struct flow_queue *q, struct flow_fifo *list)
{
	list->first = q->flows[list->first].next_in_list;
}

static uint16_t *bucket_of(struct flow_queue *q, uint64_t hash)
{
	return &q->buckets[hash & (FLOW_QUEUE_BUCKETS - 1)];
}

static uint16_t flow_find(struct flow_queue *q, uint64_t hash)
{
	uint16_t i = *bucket_of(q, hash);

	while (i != NONE && q->flows[i].hash != hash)
		i = q->flows[i].next_in_bucket;
	return i;
}

/* Where the egress of a flow is remembered while nothing waits in it, with 11 bits of the hash. Another flow may have the
 * place; then it is learned again. */
static size_t egress_place(uint64_t hash)
{
	return hash >> 32 & (FLOW_QUEUE_KNOWN_EGRESSES - 1);
}

static uint16_t egress_and_tag(uint64_t hash, unsigned int egress)
{
	return (uint16_t)((hash >> 48 & 0xffe0) | egress);
}

unsigned int flow_queue_egress(const struct flow_queue *q, uint64_t hash)
{
	uint16_t known = q->known_egresses[egress_place(hash)];

	return known == egress_and_tag(hash, known & 31) ? known & 31 : FLOW_QUEUE_OPEN;
}

static int32_t quantum_of(const struct flow *f)
{
	return f->egress == FLOW_QUEUE_OPEN ? FLOW_QUEUE_QUANTUM : FLOW_QUEUE_QUANTUM_SLOW;
}

static uint32_t kept_bytes(const struct flow *f)
{
	return f->egress == FLOW_QUEUE_OPEN ? FLOW_QUEUE_QUANTUM : FLOW_QUEUE_KEPT_SLOW;
}

/* Whether one more flow may leave through this egress. The first one of each always may, so that every flow finds one of its
 * egress that it can share. */
static bool may_add_at(const struct flow_queue *q, unsigned int egress)
{
	return q->n_at_egress[egress] == 0 || egress == FLOW_QUEUE_OPEN ||
	       q->n_flows - q->n_at_egress[FLOW_QUEUE_OPEN] < FLOW_QUEUE_FLOWS_SLOW;
}

static bool may_add(const struct flow_queue *q, unsigned int egress)
{
	if (q->n_flows >= FLOW_QUEUE_FLOWS - FLOW_QUEUE_EGRESSES) /* which are for the first ones */
		return q->n_flows < FLOW_QUEUE_FLOWS && q->n_at_egress[egress] == 0;
	return may_add_at(q, egress);
}

/* One of the same egress, as a flow must not wait for another one's. */
static uint16_t flow_share(struct flow_queue *q, uint64_t hash, unsigned int egress)
{
	uint16_t i = (uint16_t)(hash % q->unused_flow);

	for (uint16_t k = 0; k < q->unused_flow && q->flows[i].egress != egress; k++)
		i = i + 1u < q->unused_flow ? (uint16_t)(i + 1) : 0;
	q->flows[i].is_shared = true;
	return i;
}

/* The flow of this hash, or one that it shares. */
static uint16_t flow_find_or_new(struct flow_queue *q, uint64_t hash)
{
	uint16_t i = flow_find(q, hash), *bucket = bucket_of(q, hash);
	unsigned int egress;

	if (i != NONE)
		return i;
	egress = flow_queue_egress(q, hash);
	if (!may_add(q, egress))
		return flow_share(q, hash, egress);
	i = q->free_flow;
	if (i == NONE)
		i = q->unused_flow++;
	else
		q->free_flow = q->flows[i].next_in_list;
	q->flows[i] = (struct flow){ .hash = hash, .next_in_bucket = *bucket, .egress = (uint8_t)egress };
	q->flows[i].deficit = quantum_of(&q->flows[i]);
	*bucket = i;
	q->n_flows++;
	q->n_at_egress[egress]++;
	list_add(q, &q->lists[FLOW_NEW], i);
	return i;
}

/* It is in no list, and nothing waits in it. */
static void flow_free(struct flow_queue *q, uint16_t i)
{
	uint16_t *at = bucket_of(q, q->flows[i].hash);

	assert(q->flows[i].n_packets == 0);
	while (*at != i)
		at = &q->flows[*at].next_in_bucket;
	*at = q->flows[i].next_in_bucket;
	q->flows[i].next_in_list = q->free_flow;
	q->free_flow = i;
	q->n_flows--;
	q->n_at_egress[q->flows[i].egress]--;
	q->flows[i].egress = FLOW_QUEUE_EGRESSES;
}

/* The first packet of a flow; NONE: nothing waits in it. */
static uint16_t remove_first(struct flow_queue *q, uint16_t i)
{
	struct flow *f = &q->flows[i];
	uint16_t packet = f->first;

	if (f->n_packets == 0)
		return NONE;
	f->first = q->packets[packet].next;
	f->n_packets--;
	q->n_packets--;
	q->n_segments -= q->packets[packet].info.segments;
	q->bytes[i] -= q->packets[packet].n;
	return packet;
}

static void drop_first(struct flow_queue *q, uint16_t i)
{
	uint16_t packet = remove_first(q, i);

	assert(packet != NONE);
	q->dropped_full += q->packets[packet].info.segments;
	packet_free(q, packet, NULL);
}

/* RFC 8290, 4.1.2: the longest flow loses half of its packets from the head, but not too many at a time. */
static void drop_from_fattest(struct flow_queue *q)
{
	uint16_t fattest = 0;
	uint32_t n;

	for (uint16_t i = 1; i < q->unused_flow; i++)
		if (q->bytes[i] > q->bytes[fattest])
			fattest = i;
	n = (q->flows[fattest].n_packets + 1u) / 2;
	if (n > FLOW_QUEUE_DROPS_AT_ONCE)
		n = FLOW_QUEUE_DROPS_AT_ONCE;
	while (n-- > 0)
		drop_first(q, fattest);
}

/* A flow that does not slow down although CoDel drops or marks its packets. They are refused before they are copied. */
static bool is_full(const struct flow_queue *q, const struct flow *f, uint32_t bytes, uint64_t now_ns)
{
	return bytes > FLOW_QUEUE_FLOW_BYTES ||
	       (bytes > kept_bytes(f) && f->n_packets > 0 &&
		now_ns - q->packets[f->first].arrived_ns > FLOW_QUEUE_WAIT_MAX_NS);
}

void flow_queue_add(struct flow_queue *q, uint64_t now_ns, uint64_t hash, const uint8_t *packet, uint32_t n,
		    const struct flow_info *info)
{
	uint16_t i, at;
	struct flow *f;

	assert(n <= FLOW_QUEUE_PACKET_MAX);
	i = flow_find_or_new(q, hash);
	f = &q->flows[i];
	if (is_full(q, f, q->bytes[i] + n, now_ns)) {
		q->dropped_full += info->segments;
		return;
	}
	while (q->n_free_chunks < chunks_of(n))
		drop_from_fattest(q);
	at = packet_new(q, packet, n);
	q->packets[at] = (struct flow_packet){ hash, now_ns, n, NONE, *info };
	if (f->n_packets == 0)
		f->first = at;
	else
		q->packets[f->last].next = at;
	f->last = at;
	f->n_packets++;
	q->n_packets++;
	q->n_segments += info->segments;
	q->bytes[i] += n;
}

/* ---- CoDel (RFC 8289, appendix A) ---- */

static uint64_t square_root(uint64_t x)
{
	uint64_t r = x, next = (x + 1) / 2;

	while (next < r) {
		r = next;
		next = (r + x / r) / 2;
	}
	return r;
}

/* interval / sqrt(count). */
static uint64_t control_law(uint64_t t_ns, uint32_t count)
{
	return t_ns + square_root(FLOW_QUEUE_INTERVAL_NS * FLOW_QUEUE_INTERVAL_NS / count);
}

/* The next packet; *ok_to_drop: packets have waited too long for an interval. */
static uint16_t codel_next(struct flow_queue *q, uint16_t i, uint64_t now_ns, bool *ok_to_drop)
{
	const struct flow *f = &q->flows[i];
	struct codel *c = &q->flows[i].codel;
	uint16_t packet = remove_first(q, i);

	*ok_to_drop = false;
	if (packet == NONE || now_ns - q->packets[packet].arrived_ns < FLOW_QUEUE_TARGET_NS ||
	    q->bytes[i] <= kept_bytes(f))
		c->first_above_ns = 0;
	else if (c->first_above_ns == 0)
		c->first_above_ns = now_ns + FLOW_QUEUE_INTERVAL_NS;
	else
		*ok_to_drop = now_ns >= c->first_above_ns;
	return packet;
}

/* Drops a packet, and the next one takes its place. A packet that is marked instead stays, and ends the turn. */
static uint16_t codel_drop(struct flow_queue *q, uint16_t i, uint16_t packet, uint64_t now_ns, bool *ok_to_drop, bool *marked)
{
	if (q->packets[packet].info.is_markable) {
		*marked = true;
		return packet;
	}
	q->dropped_late += q->packets[packet].info.segments;
	packet_free(q, packet, NULL);
	return codel_next(q, i, now_ns, ok_to_drop);
}

static uint16_t codel_take(struct flow_queue *q, uint16_t i, uint64_t now_ns, bool *marked)
{
	struct codel *c = &q->flows[i].codel;
	bool ok_to_drop;
	uint16_t packet = codel_next(q, i, now_ns, &ok_to_drop);

	*marked = false;
	if (c->is_dropping && !ok_to_drop)
		c->is_dropping = false;
	while (c->is_dropping && now_ns >= c->drop_next_ns && !*marked) {
		c->count++;
		packet = codel_drop(q, i, packet, now_ns, &ok_to_drop, marked);
		if (ok_to_drop)
			c->drop_next_ns = control_law(c->drop_next_ns, c->count);
		else
			c->is_dropping = false;
	}
	if (!c->is_dropping && ok_to_drop) {
		uint32_t delta = c->count - c->last_count;
		packet = codel_drop(q, i, packet, now_ns, &ok_to_drop, marked);
		c->is_dropping = true;
		/* Soon after the last time: goes on at the rate that had controlled the queue. */
		c->count = delta > 1 && now_ns - c->drop_next_ns < 16 * FLOW_QUEUE_INTERVAL_NS ? delta : 1;
		c->drop_next_ns = control_law(now_ns, c->count);
		c->last_count = c->count;
	}
	return packet;
}

/* ---- round robin (RFC 8290, 4.2) ---- */

static bool must_wait(const struct flow_queue *q, const struct flow *f)
{
	return f->n_packets > 0 && f->egress != FLOW_QUEUE_OPEN && q->egress_bytes[f->egress] <= 0;
}

bool flow_queue_take(struct flow_queue *q, uint64_t now_ns, struct flow_taken *t)
{
	for (;;) {
		unsigned int which = q->lists[FLOW_NEW].first != NONE ? FLOW_NEW : FLOW_OLD;
		struct flow_fifo *list = &q->lists[which];
		uint16_t i = list->first, packet;
		struct flow *f;
		uint32_t n;

		if (i == NONE)
			return false;
		f = &q->flows[i];
		if (must_wait(q, f)) {
			list_remove_first(q, list);
			list_add(q, &q->held[f->egress][which], i);
			continue;
		}
		if (f->deficit <= 0) {
			list_remove_first(q, list);
			f->deficit += quantum_of(f);
			list_add(q, &q->lists[FLOW_OLD], i);
			continue;
		}
		packet = codel_take(q, i, now_ns, &t->must_mark);
		if (packet == NONE) {
			list_remove_first(q, list);
			if (which == FLOW_NEW) /* it must not come first again and again, while others wait */
				list_add(q, &q->lists[FLOW_OLD], i);
			else
				flow_free(q, i);
			continue;
		}
		n = q->packets[packet].n;
		f->deficit -= (int32_t)n;
		if (f->egress != FLOW_QUEUE_OPEN)
			q->egress_bytes[f->egress] -= n;
		t->hash = q->packets[packet].hash;
		t->n = n;
		t->packet = packet;
		return true;
	}
}

const struct flow_info *flow_queue_info(const struct flow_queue *q, const struct flow_taken *t)
{
	return &q->packets[t->packet].info;
}

void flow_queue_copy(struct flow_queue *q, const struct flow_taken *t, uint8_t *dst)
{
	packet_free(q, t->packet, dst);
}

void flow_queue_learn(struct flow_queue *q, uint64_t hash, unsigned int egress)
{
	uint16_t i = flow_find(q, hash);

	assert(egress < FLOW_QUEUE_EGRESSES);
	if (egress != flow_queue_egress(q, hash))
		q->known_egresses[egress_place(hash)] = egress_and_tag(hash, egress);
	if (i == NONE || q->flows[i].egress == egress || q->flows[i].is_shared || !may_add_at(q, egress))
		return; /* what waits leaves as it would have until now */
	q->n_at_egress[q->flows[i].egress]--;
	q->n_at_egress[egress]++;
	q->flows[i].egress = (uint8_t)egress;
	if (q->flows[i].deficit > quantum_of(&q->flows[i]))
		q->flows[i].deficit = quantum_of(&q->flows[i]);
}

static void list_append(struct flow_queue *q, struct flow_fifo *to, struct flow_fifo *from)
{
	if (from->first == NONE)
		return;
	if (to->first == NONE)
		to->first = from->first;
	else
		q->flows[to->last].next_in_list = from->first;
	to->last = from->last;
	from->first = NONE;
}

void flow_queue_set_egress(struct flow_queue *q, unsigned int egress, int64_t bytes)
{
	assert(egress < FLOW_QUEUE_EGRESSES);
	q->egress_bytes[egress] = bytes;
	for (unsigned int k = 0; bytes > 0 && k < FLOW_LISTS; k++)
		list_append(q, &q->lists[k], &q->held[egress][k]);
}

bool flow_queue_is_held(const struct flow_queue *q, unsigned int egress)
{
	return q->held[egress][FLOW_NEW].first != NONE || q->held[egress][FLOW_OLD].first != NONE;
}

bool flow_queue_is_ready(const struct flow_queue *q)
{
	return q->lists[FLOW_NEW].first != NONE || q->lists[FLOW_OLD].first != NONE;
}

/* ---- egresses ---- */

static uint32_t bounded(uint32_t share)
{
	return share < EGRESS_SHARE_MIN ? EGRESS_SHARE_MIN : share > EGRESS_SHARE_MAX ? EGRESS_SHARE_MAX : share;
}

static void observed_empty(struct egress_limit *g)
{
	g->share = bounded(g->is_known ? g->share + EGRESS_STEP : 2 * g->share);
	g->n_observed = 0;
}

static void observed_never_empty(struct egress_limit *g)
{
	g->share = bounded(g->share - g->share / 8);
	g->is_known = true;
	g->n_observed = 0;
}

int64_t egress_limit_observe(struct egress_limit *g, uint64_t now_ns, uint32_t waiting, bool is_held, unsigned int n_flows)
{
	int64_t limit;

	g->share = bounded(g->share);
	if (waiting == 0 && is_held)
		observed_empty(g);
	else if (waiting > 0 && now_ns - g->observed_ns >= EGRESS_OBSERVE_NS && ++g->n_observed == EGRESS_OBSERVATIONS)
		observed_never_empty(g);
	if (now_ns - g->observed_ns >= EGRESS_OBSERVE_NS)
		g->observed_ns = now_ns;
	limit = (int64_t)g->share * (n_flows == 0 ? 1 : n_flows);
	return (limit < EGRESS_LIMIT_MAX ? limit : EGRESS_LIMIT_MAX) - waiting;
}
