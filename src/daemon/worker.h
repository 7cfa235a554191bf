/* The data path: packets from TUN to UDP and back, in batches, with handshakes set aside for the control
 * half in a bounded ring. Stage 1 has one worker, in the thread of the loop. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "icmp.h"
#include "offload.h"
#include "tun.h"
#include "udp.h"

enum {
	WORKER_BUFS = 1024,
	WORKER_ROOM = 1 << 20,     /* super-packets and what they are cut into */
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
	bool tun_gone;             /* the device was deleted */
	uint8_t *room;             /* WORKER_ROOM */
	struct wg_batch batch;
	struct wg_buf bufs[WORKER_BUFS];
	struct wg_path paths[WORKER_BUFS];
	struct udp_inbox inbox;
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

/* Some of the handshakes that wait, then everything the tunnel wants to send. While more datagrams wait in
 * the sockets only few of them, so that the ring shows what piles up, and data is not kept waiting. */
void worker_control(struct worker *w);
bool worker_is_busy(const struct worker *w); /* handshakes still wait */

#endif
