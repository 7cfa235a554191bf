/* The data path: packets from TUN to UDP and back, in batches, with handshakes set aside for the control
 * half in a bounded ring. A worker alone is the loop's; with a crew beside it, it does what is control's,
 * and the others, each with a place, leave that to it. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "daemon/io/icmp.h"
#include "daemon/io/offload.h"
#include "brlock.h"
#include "daemon/io/tun.h"
#include "daemon/io/udp.h"

enum {
	WORKER_BUFS = 1024,
	WORKER_BUFS_BESIDE = 256,  /* read at once when others are there to read what follows */
	WORKER_ROOM = 1 << 20,     /* packets, and what super-packets are cut into */
	WORKER_ASIDE = 1 << 16,    /* behind it: a super-packet */
	WORKER_RING = 1024,        /* handshake messages that wait */
	WORKER_RING_LOADED = 128,  /* from here on we are under load */
	WORKER_HANDSHAKE_MAX = 148,
};

struct worker_handshake {
	struct wg_path path;
	uint16_t n;
	uint8_t tos;
	uint8_t bytes[WORKER_HANDSHAKE_MAX];
};

struct worker { /* owned by its thread */
	struct wg_tunnel *tunnel;
	struct tun *tun;
	struct udp *udp;
	struct icmp *icmp;
	struct place *place;       /* null: alone, or control's */
	bool tun_gone;             /* the device was deleted */
	uint8_t *room;             /* WORKER_ROOM, WORKER_ASIDE */
	bool reads_aside;          /* TUN's last was a super-packet: the next is read to where it was, which is warm */
	struct wg_batch batch;
	struct wg_buf bufs[WORKER_BUFS];
	struct wg_path paths[WORKER_BUFS];
	struct wg_run runs[WORKER_BUFS];
	struct udp_inbox inbox;
	unsigned int messages;     /* in the inbox */
	struct udp_outbox outbox;
	struct join join;
	struct worker_handshake ring[WORKER_RING];
	unsigned int ring_first, ring_n;
	uint64_t ring_lost;        /* handshake messages that found it full */
	bool more;                 /* datagrams were left in the sockets for data this turn */
	uint64_t received_ns;      /* when receiving them began */
	uint64_t loaded_until_ns;
};

/* Null: out of memory. Big, but touched only as far as needed. */
must_check struct worker *worker_new(struct wg_tunnel *tunnel, struct tun *tun, struct udp *udp,
				     struct icmp *icmp);
void worker_free(struct worker *w);

/* A few batches; the rest of what is there waits for the next turn. */
void worker_from_tun(struct worker *w);
void worker_from_udp(struct worker *w, struct udp_socket *s);

/* The same in two halves, for those with a place: one batch is read, and worked on. False: TUN gave an
 * error. */
bool worker_read_tun(struct worker *w);
void worker_read_udp(struct worker *w, struct udp_socket *s);
void worker_finish_tun(struct worker *w);
void worker_finish_udp(struct worker *w);

/* Into the ring; into the queues of peers that have no session. */
void worker_put_handshake(struct worker *w, const struct wg_path *path, uint8_t tos,
			  const uint8_t *bytes, size_t n);
bool worker_ring_is_full(const struct worker *w);
void worker_stage(struct worker *w, uint64_t now_ns, const uint8_t *packet, uint32_t n);

/* Some of the handshakes that wait, then everything the tunnel wants to send. While more datagrams wait in
 * the sockets only few of them, so that the ring shows what piles up, and data is not kept waiting. */
void worker_control(struct worker *w);
void worker_drain(struct worker *w); /* only the latter */
bool worker_is_busy(const struct worker *w); /* handshakes still wait */

#endif
