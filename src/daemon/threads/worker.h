/* The packet path: moves packets between the TUN and UDP in batches, through the data half of the tunnel. Each
 * data thread has a worker. Control has one, too: it has a bounded queue of handshake messages, sends
 * everything that the control half of the tunnel produces, and moves packets as well when there are no data
 * threads. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "brlock.h"
#include "daemon/io/icmp.h"
#include "daemon/io/netlink.h"
#include "daemon/io/offload.h"
#include "daemon/io/tun.h"
#include "daemon/io/udp.h"
#include "handshake_queue.h"
#include "mailbox.h"
#include "sequencer.h"
#include "tun_queue.h"
#include "worker_counters.h"

enum {
	WORKER_BUFS = 1024,            /* packets of a batch */
	WORKER_BUFS_SHARED = 256,      /* after which a thread stops reading, and leaves the rest to the others */
	WORKER_BUFFER_BYTES = 1 << 20, /* packets, and segments of super-packets */
	WORKER_SPARE_BYTES = 1 << 16,  /* behind it: one super-packet */
	WORKER_UNCUT_BYTES = 1 << 19,  /* super-packets that are read before the first of them is split */
	WORKER_UNDER_LOAD = 128,       /* handshake messages that wait, from which on the tunnel is under load */
	WORKER_RECEIVES_MAX = 16,      /* receive calls of handshake messages at a time */
};

/* Shared by the workers of all data threads; owned by the thread pool. */
struct worker_shared {
	bool many_threads;         /* constant once threads run */
	_Atomic bool by_shard;     /* many peers are active: what is written to the TUN goes to the queue of its peer */
	struct brlock tunnel_lock; /* readers use the data half of the tunnel, the writer publishes changes */
	struct mailbox udp_mail;   /* handshake messages */
	struct mailbox tun_mail;   /* packets without session, unreachable destinations */
	struct tun_queue *queue;   /* packets read from the TUN that wait; borrowed */
};

/* A packet as it was read. */
struct worker_read {
	uint8_t *p; /* in the buffer, where it is sealed unless it is a super-packet; or in `uncut` */
	uint32_t n;
	struct vnet_header header;
};

struct worker { /* owned by its thread */
	struct wg_tunnel *tunnel;
	struct tun *tun;
	struct udp *udp;
	struct icmp *icmp;
	struct worker_shared *shared;       /* null: control's worker */
	struct brlock_reader tunnel_reader; /* of shared->tunnel_lock */
	struct tun_queue *queue;            /* borrowed; null: batches are sealed as they are read */
	struct ticket ticket;               /* of the source that the thread serves */
	bool has_posted;           /* mail for control; its thread clears it */
	bool is_reading;           /* from the TUN, with the queue locked */
	bool has_read_all;         /* the TUN had no more */
	bool tun_deleted;          /* the TUN device is gone */
	uint8_t *buffer;           /* WORKER_BUFFER_BYTES and WORKER_SPARE_BYTES */
	unsigned int tun_queue;    /* that it reads */
	bool only_takes;           /* from the flow queue: does not read */
	bool reads_to_spare;       /* after a super-packet: read to the same place, which is in the cache */
	uint8_t *uncut;            /* WORKER_UNCUT_BYTES; null: packets are split as they are read */
	struct worker_read reads[WORKER_BUFS_SHARED]; /* not split yet */
	unsigned int n_reads;
	size_t read_packets, read_bytes; /* of them; an estimate of the packets that they give */
	struct wg_batch batch;
	struct wg_buf bufs[WORKER_BUFS];
	struct wg_path paths[WORKER_BUFS];
	struct wg_run runs[WORKER_BUFS];
	struct tun_queue_entry entries[TUN_QUEUE_BATCH]; /* packets of the batch that were taken from the queue */
	size_t n_entries;
	struct udp_rx rx;
	unsigned int n_messages;   /* in rx */
	unsigned int socket;       /* the number of the socket for data that they came from */
	struct udp_tx tx;
	struct netlink_socket routes; /* for look-ups */
	struct join join;
	struct handshake_queue handshakes;
	bool udp_pending;          /* datagrams were left in the data sockets this time */
	uint64_t receive_start_ns; /* when receiving them began */
	uint64_t under_load_until_ns;
	struct worker_counters counters;
};

/* Null: out of memory. Several MiB, of which only the pages in use are touched. */
must_check struct worker *worker_new(struct wg_tunnel *tunnel, struct tun *tun, struct udp *udp,
				     struct icmp *icmp);
/* Makes it the worker of a data thread; before threads run. False: out of memory. */
must_check bool worker_share(struct worker *w, struct worker_shared *shared);
void worker_free(struct worker *w);

/* ---- packets: control's worker ---- */

/* Move a few batches; later ones wait for the next call. */
void worker_serve_tun(struct worker *w);
void worker_serve_udp(struct worker *w, struct udp_socket *s);
/* Sends everything that waits in the queue, whatever it waits for; no other thread runs. */
void worker_send_queued(struct worker *w, struct tun_queue *q);
/* Receives what waits in a socket that is about to be closed, until a time, or NEVER; bounded, even if more arrives meanwhile. */
void worker_empty_udp(struct worker *w, struct udp_socket *s, uint64_t until_ns);

/* ---- packets: a data thread's worker ---- */

/* Reads one batch from a source, of which the thread is the only reader. Takes a ticket when the batch does not
 * fit; then a part of it has left already. With several threads, packets from the TUN are only read: what can be done
 * later does not keep the next reader waiting. The lock of the queue is held. False: the TUN reported an error. */
bool worker_read_tun(struct worker *w);
void worker_receive_udp(struct worker *w, struct udp_socket *s);
bool worker_has_read(const struct worker *w); /* a batch, for which a ticket is due */
/* Processes the batch and lets it leave in the order of its ticket, which is held before and not afterwards. */
void worker_seal_and_send(struct worker *w);
void worker_open_and_write(struct worker *w);

/* ---- control's worker ---- */

/* Stages a packet for its peer until there is a session. */
void worker_stage_packet(struct worker *w, uint64_t now_ns, const uint8_t *packet, uint32_t n);

/* Queues a handshake message, or counts it as dropped. */
void worker_queue_handshake(struct worker *w, const struct wg_path *path, uint8_t tos, const uint8_t *bytes,
			    size_t n);

/* Processes handshake messages of its queue for a limited time, then sends everything that the control half of
 * the tunnel has to send. The time is short while datagrams wait in the data sockets: data does not wait, and
 * the load shows in the queue. */
void worker_run_control(struct worker *w);
void worker_drain(struct worker *w); /* only sends */

#endif
