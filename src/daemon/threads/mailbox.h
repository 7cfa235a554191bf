/* What data threads leave for control: handshake messages, packets that have no session yet, packets whose
 * senders are to be told, source addresses that the system refused. Bounded: what finds it full is lost,
 * and counted. In order. */
#ifndef DAEMON_HANDOVER_H
#define DAEMON_HANDOVER_H

#include <pthread.h>
#include "proto/tunnel.h"

enum handed_kind {
	HANDED_HANDSHAKE,   /* a datagram from UDP */
	HANDED_PACKET,      /* a packet from TUN for a peer without session */
	HANDED_UNREACHABLE, /* the beginning of one that no peer takes */
	HANDED_SOURCE,      /* a path; no bytes */
};

struct handed {
	struct wg_path path;
	uint32_t n;
	uint32_t ticket; /* from TUN: of the batch, which is to leave first */
	uint8_t kind; /* enum handed_kind */
	uint8_t tos;
	_Alignas(8) uint8_t bytes[];
};

struct handover_half {
	uint8_t *room; /* owned; touched as needed */
	size_t used;
};

struct handover { /* zeroed: may be freed */
	pthread_mutex_t lock;
	size_t room_bytes;         /* of each half; constant */
	struct handover_half in;   /* under lock: what arrives */
	struct handover_half out;  /* control's: what it took last */
	size_t at;                 /* control's: how far it has read that */
	uint64_t lost;             /* under lock */
};

must_check bool handover_init(struct handover *h, size_t room_bytes); /* false: out of memory */
void handover_free(struct handover *h);

/* Any thread: head->n bytes. False: it was full. */
bool handover_put(struct handover *h, const struct handed *head, const uint8_t *bytes);
/* Control: the next one, in place until the call after; null: there is none. Peeking leaves it there. */
const struct handed *handover_peek(struct handover *h);
const struct handed *handover_next(struct handover *h);
/* Control: is there nothing left? */
bool handover_is_empty(struct handover *h);
uint64_t handover_lost(struct handover *h);

#endif
