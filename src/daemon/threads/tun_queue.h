/* The packets that wait between the TUN and sealing. While the daemon keeps up with the kernel and no path is slow, none do:
 * batches are sealed as they were read. A backlog begins when the TUN has not been empty for 5 ms and has packets of several
 * flows, an eighth of them not TCP, or when a path is slow (slow_paths.h). Then the TUN is read until it is empty, so that its
 * queue, which all flows share, does not overflow, and packets wait in the flow queue. TCP streams without other traffic share
 * the CPU well without the queue, in larger super-packets.
 *
 * Shared by the data threads; the one that reads the TUN, or takes packets from the queue, holds the lock. */
#ifndef DAEMON_TUN_QUEUE_H
#define DAEMON_TUN_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include "daemon/io/tun.h"
#include "daemon/io/udp.h"
#include "flow_queue.h"

enum tun_queue_state {
	TUN_QUEUE_EMPTY,
	TUN_QUEUE_READY, /* packets wait for a thread */
	TUN_QUEUE_HELD,  /* packets wait for a socket */
};

enum {
	TUN_QUEUE_READS_MAX = 1024, /* packets read from the TUN at a time: its whole queue */
	TUN_QUEUE_BATCH = 256,      /* packets taken at a time: the TUN is read again before its queue is full */
	TUN_QUEUE_SAMPLES = 64,     /* packets of a batch that are looked at */
	TUN_QUEUE_HELD_MS = 1,      /* after which sockets are observed again */
};

struct tun_queue_entry { /* a packet of a batch that was taken from the queue */
	uint64_t hash; /* of its flow */
	uint16_t buf;  /* its first buffer in the batch */
};

struct tun_queue_sample { /* a packet */
	const uint8_t *p;
	uint32_t n;
	size_t segments; /* that a super-packet has; otherwise 1 */
};

struct tun_queue {
	pthread_mutex_t lock;  /* the rest is under it, but for the atomic members */
	_Atomic uint8_t state; /* enum tun_queue_state */
	_Atomic bool is_active;
	_Atomic uint32_t n_waiting; /* packets, after splitting super-packets; for the statistics */
	bool has_lock;        /* the mutex exists; constant */
	uint32_t n_read, n_other; /* packets since measured_ns, and those of them that are not TCP */
	uint64_t measured_ns;
	bool has_others;      /* the latter were an eighth of the former */
	uint64_t empty_ns[TUN_QUEUES_MAX]; /* when this queue of the TUN was last found empty */
	uint64_t backlog_ns;  /* when there was last one */
	uint32_t egresses_used;  /* bit for each egress */
	struct egress_limit egresses[FLOW_QUEUE_EGRESSES];
	uint8_t *memory;
	struct flow_queue flows;
};

/* Null: out of memory. The memory for packets is touched only while there is a backlog. */
must_check struct tun_queue *tun_queue_new(const struct flow_seed *seed, uint64_t now_ns);
void tun_queue_free(struct tun_queue *q); /* null is allowed */

enum tun_queue_state tun_queue_state(const struct tun_queue *q);
uint32_t tun_queue_waiting(const struct tun_queue *q);

/* ---- with the lock held, or while no other thread runs ---- */

/* Drops what waits, and counts it. The number of packets, after splitting super-packets. */
uint32_t tun_queue_discard(struct tun_queue *q, uint64_t now_ns, struct wg_tunnel *tunnel, enum wg_drop why);
/* Lets everything be taken that waits for sockets. */
void tun_queue_release(struct tun_queue *q);
/* Whether batches pass through the queue. */
bool tun_queue_is_active(const struct tun_queue *q);
/* Nothing but TCP, or one flow, has waited for a while: what waits leaves before the TUN is read again, without the queue. */
bool tun_queue_is_ending(const struct tun_queue *q, uint64_t now_ns);
/* A batch was read from this queue of the TUN that does not pass through the flow queue, with these packets, among others;
 * n 0: it had no more. Later batches pass through the queue when there is a backlog. */
void tun_queue_observe(struct tun_queue *q, uint64_t now_ns, unsigned int queue, const struct tun_queue_sample *samples, size_t n);
/* Reads this queue of the TUN until it is empty. packet, segment: space for a super-packet each. Returns the number of packets that were
 * not valid; *good false: the TUN reported an error, and *deleted true: it is gone. */
must_check unsigned int tun_queue_fill(struct tun_queue *q, uint64_t now_ns, struct tun *tun, unsigned int queue,
				       uint8_t *packet, uint8_t *segment, bool *good, bool *deleted);
/* Before and after packets are taken. _end returns how many were dropped in the queue since the last call, and counts them. */
void tun_queue_take_begin(struct tun_queue *q, const struct udp *udp, uint64_t now_ns);
/* Takes a packet. header: of a super-packet; otherwise without GSO. Then flow_queue_copy is due. False: none is ready. */
must_check bool tun_queue_take(struct tun_queue *q, uint64_t now_ns, struct flow_taken *t, struct vnet_header *header);
must_check uint64_t tun_queue_take_end(struct tun_queue *q, struct wg_tunnel *tunnel, uint64_t now_ns);

/* ---- without the lock ---- */

/* The batch was sent: learns which of its flows leave through slow sockets. n 0: it did not pass through the queue. */
void tun_queue_sent(struct tun_queue *q, const struct wg_batch *b, struct udp_tx *tx, const struct tun_queue_entry *entries,
		    size_t n);

#endif
