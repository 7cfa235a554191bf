/* Handshake messages that wait for control: a bounded ring for initiations, which every host may send, and one for
 * responses and cookie replies to messages of this host. The rings take turns, so that a flood of one kind neither
 * displaces nor delays the other. */
#ifndef DAEMON_HANDSHAKE_QUEUE_H
#define DAEMON_HANDSHAKE_QUEUE_H

#include "daemon/io/udp_filter.h"
#include "proto/tunnel.h"

enum {
	HANDSHAKE_RING = 1024,     /* messages of a ring */
	HANDSHAKE_BYTES_MAX = 148, /* an initiation, the longest handshake message */
};

struct waiting_handshake {
	struct wg_path path;
	uint16_t n;
	uint8_t tos;
	uint8_t bytes[HANDSHAKE_BYTES_MAX];
};

struct handshake_ring {
	struct waiting_handshake all[HANDSHAKE_RING];
	unsigned int first, n;
};

struct handshake_queue { /* zeroed: empty */
	struct handshake_ring initiations, replies;
	bool initiation_is_next;
};

/* Copies a message of at least one byte. False: its ring is full. */
must_check bool handshake_queue_add(struct handshake_queue *q, const struct wg_path *path, uint8_t tos,
			 const uint8_t *bytes, size_t n);
/* Removes the next message; null: the queue is empty. Valid until handshake_queue_add. */
const struct waiting_handshake *handshake_queue_take(struct handshake_queue *q);
unsigned int handshake_queue_n(const struct handshake_queue *q); /* messages that wait */
/* Messages that the ring of a socket of this kind takes. */
unsigned int handshake_queue_space(const struct handshake_queue *q, enum udp_kind kind);

#endif
