/* Packets that wait between the TUN and sealing, a queue for each flow (FQ-CoDel, RFC 8290). Flows take turns by bytes
 * (deficit round robin); a flow that had nothing waiting comes before those that had. CoDel (RFC 8289) drops packets of a
 * flow in which they wait longer than 5 ms for 100 ms, or has them marked. The memory of all flows and of each is bounded; when all
 * of it is full, the flow with the most bytes loses packets. Super-packets wait as they are: CoDel has one of their segments
 * dropped.
 *
 * Each flow leaves through an egress: a socket. The caller sets how many bytes an egress accepts; a flow whose egress accepts
 * none waits without holding up the others, however many flows there are. Pure: time, seed and egresses come in as arguments. */
#ifndef DAEMON_FLOW_QUEUE_H
#define DAEMON_FLOW_QUEUE_H

#include "flow_hash.h"

enum {
	FLOW_QUEUE_CHUNK_BYTES = 2048, /* a packet occupies as many of these as it needs */
	FLOW_QUEUE_CHUNKS = 16384,     /* of all flows: 32 MiB */
	FLOW_QUEUE_BYTES = FLOW_QUEUE_CHUNKS * FLOW_QUEUE_CHUNK_BYTES,
	FLOW_QUEUE_FLOWS = 1024,       /* with packets; when there are more, those of one egress share */
	FLOW_QUEUE_FLOWS_SLOW = 768,   /* of them, through slow sockets */
	FLOW_QUEUE_BUCKETS = 2048,
	FLOW_QUEUE_KNOWN_EGRESSES = 4096, /* of flows, also of those without packets */
	FLOW_QUEUE_PACKET_MAX = 65535, /* bytes */
	FLOW_QUEUE_EGRESSES = 15,
	FLOW_QUEUE_OPEN = 0,           /* the egress without limit, also of flows of which nothing is known */
	FLOW_QUEUE_FLOW_BYTES = 4 << 20, /* of a flow */
	FLOW_QUEUE_DROPS_AT_ONCE = 64, /* when it is full: half of the queue of a flow, and at most these */
	FLOW_QUEUE_NOTE_BYTES = 24,
	FLOW_QUEUE_QUANTUM = 65536,    /* bytes of a turn: what leaves as one message, so that encryption and joining of a flow
					* stay efficient when the CPU is the bottleneck */
	FLOW_QUEUE_QUANTUM_SLOW = 1514, /* through a slow socket: one packet */
	/* CoDel drops nothing of a flow of which no more than this waits behind the packet. Otherwise one turn, as turns of many flows
	 * take longer than the target; on a slow link four packets, which TCP needs to see a loss without a timeout (RFC 5681, 3.2). */
	FLOW_QUEUE_KEPT_SLOW = 6000,
};
#define FLOW_QUEUE_TARGET_NS (5 * NS_PER_MS) /* RFC 8289, 4.3 and 4.4 */
#define FLOW_QUEUE_INTERVAL_NS (100 * NS_PER_MS)
#define FLOW_QUEUE_WAIT_MAX_NS (2 * FLOW_QUEUE_INTERVAL_NS) /* while its first packet has waited so long, a flow gets no more */

struct codel { /* of one flow (RFC 8289, 5.2) */
	uint64_t first_above_ns; /* when the sojourn time will have been above the target for an interval; 0: it is not */
	uint64_t drop_next_ns;
	uint32_t count, last_count; /* drops since dropping began */
	bool is_dropping;
};

enum { FLOW_NEW, FLOW_OLD, FLOW_LISTS };

struct flow {
	uint64_t hash;
	struct codel codel;
	int32_t deficit;      /* bytes */
	uint16_t first, last; /* packets: the numbers of their first chunks */
	uint16_t next_in_bucket, next_in_list;
	uint16_t n_packets;
	uint8_t egress;       /* FLOW_QUEUE_EGRESSES: the entry is free */
	bool is_shared;       /* packets of other flows wait in it, too */
};

struct flow_info { /* what the caller says of a packet */
	uint16_t segments; /* packets that it will be split into, as drops are counted */
	bool is_markable;  /* the caller tells the sender otherwise than by losing all of it */
	uint8_t note[FLOW_QUEUE_NOTE_BYTES]; /* kept for the caller */
};

struct flow_packet {
	uint64_t hash; /* of the flow that it is of, also where flows share */
	uint64_t arrived_ns;
	uint32_t n;
	uint16_t next; /* in its flow */
	struct flow_info info;
};

struct flow_taken {
	uint64_t hash;    /* of the flow that it is of */
	uint32_t n;       /* bytes */
	uint16_t packet;  /* its number */
	bool must_mark;   /* is_markable, and CoDel would have dropped it */
};

struct flow_fifo {
	uint16_t first, last;
};

struct flow_queue {
	uint8_t *memory; /* FLOW_QUEUE_BYTES; owned by the caller */
	struct flow_seed seed;
	uint32_t n_packets, n_segments, n_flows, n_free_chunks;
	uint64_t dropped_late, dropped_full; /* segments; the caller may reset them */
	int64_t egress_bytes[FLOW_QUEUE_EGRESSES]; /* that it still takes */
	struct flow_fifo lists[FLOW_LISTS];
	struct flow_fifo held[FLOW_QUEUE_EGRESSES][FLOW_LISTS]; /* flows that wait for an egress */
	uint16_t n_at_egress[FLOW_QUEUE_EGRESSES]; /* flows that leave through it */
	uint16_t free_chunk, unused_chunk, free_flow, unused_flow;
	uint16_t buckets[FLOW_QUEUE_BUCKETS];
	uint16_t known_egresses[FLOW_QUEUE_KNOWN_EGRESSES];
	uint32_t bytes[FLOW_QUEUE_FLOWS]; /* that wait, by flow; separate because all are searched for the greatest */
	struct flow flows[FLOW_QUEUE_FLOWS];
	uint16_t next_chunk[FLOW_QUEUE_CHUNKS];
	struct flow_packet packets[FLOW_QUEUE_CHUNKS]; /* by the number of the first chunk */
};

/* memory: FLOW_QUEUE_BYTES, which the queue borrows. */
void flow_queue_init(struct flow_queue *q, uint8_t *memory, const struct flow_seed *seed);
/* Copies a packet into the queue; n is at most FLOW_QUEUE_PACKET_MAX. */
void flow_queue_add(struct flow_queue *q, uint64_t now_ns, uint64_t hash, const uint8_t *packet, uint32_t n,
		    const struct flow_info *info);
/* Removes the next packet. False: nothing waits, or only for egresses that take nothing. Then flow_queue_copy is due. */
must_check bool flow_queue_take(struct flow_queue *q, uint64_t now_ns, struct flow_taken *t);
/* Until it was copied. */
const struct flow_info *flow_queue_info(const struct flow_queue *q, const struct flow_taken *t);
/* Copies the packet that was taken. */
void flow_queue_copy(struct flow_queue *q, const struct flow_taken *t, uint8_t *dst);
/* The egress of a flow, as far as it is known. */
unsigned int flow_queue_egress(const struct flow_queue *q, uint64_t hash);
/* Packets of this flow leave through this egress. */
void flow_queue_learn(struct flow_queue *q, uint64_t hash, unsigned int egress);
/* So many bytes may leave through this egress until the next call. 0 or less: none. */
void flow_queue_set_egress(struct flow_queue *q, unsigned int egress, int64_t bytes);
/* Whether a flow waits for this egress. */
bool flow_queue_is_held(const struct flow_queue *q, unsigned int egress);
/* Whether flow_queue_take may return a packet. */
bool flow_queue_is_ready(const struct flow_queue *q);

/* ---- how many bytes an egress takes ---- */

/* Of what is sent through a slow socket, only so much waits in the kernel as it needs to be never idle; the rest waits in
 * the queue, where flows take turns. Each flow may have the same share of what waits in the socket. The share grows by a
 * constant when the socket was empty while a flow waited for it, and shrinks by a fraction while it is never empty; so the
 * shares of sockets that send through one device become equal (Chiu and Jain, 1989), and each flow gets the same part of it. */
struct egress_limit { /* zeroed: nothing is known */
	uint32_t share;       /* bytes, as the kernel counts them */
	uint16_t n_observed;  /* times that the socket was not empty, since the share changed */
	bool is_known;        /* it was too large once; until then it is doubled */
	uint64_t observed_ns;
};
enum {
	EGRESS_SHARE_MIN = 2 << 10, /* a packet, roughly */
	EGRESS_SHARE_MAX = 512 << 10,
	EGRESS_STEP = 1 << 10,
	EGRESS_LIMIT_MAX = 1 << 20, /* of all flows of an egress */
	EGRESS_OBSERVATIONS = 8,
};
#define EGRESS_OBSERVE_NS NS_PER_MS
/* So many bytes wait in the socket, for which n_flows wait to be sent; is_held: they wait for the egress. Returns how many
 * more bytes it takes. */
int64_t egress_limit_observe(struct egress_limit *g, uint64_t now_ns, uint32_t waiting, bool is_held, unsigned int n_flows);

#endif
