/* Shares of a queue between threads: how much each peer may append before the queue is emptied again. The less space is
 * left, the less one peer may take, and a part of the space is reserved for the first packet of each peer, so a peer that
 * appends little finds space even if others append as much as they can. Pure. */
#ifndef WG_SHARE_H
#define WG_SHARE_H

#include "base/base.h"
#include <stdatomic.h>

enum {
	SHARE_TOTAL_BYTES = 4 << 20, /* of all peers */
	SHARE_MORE_BYTES = 2 << 20,  /* of these, for peers that have taken something already */
	SHARE_PACKET_BYTES = 2048,   /* a packet counts as at least so many: it costs time, too */
	SHARE_PEER_PART = 3,         /* a peer may take this part of what is left: 341 packets if it is alone */
	SHARE_SENDING_PART = 2,      /* likewise, while its packets leave at once */
};

struct share_total { /* zeroed: nothing is taken */
	_Atomic uint32_t round;
	_Atomic uint32_t used; /* bytes */
};

struct share { /* of a peer; zeroed: nothing is taken */
	_Atomic uint64_t used; /* round << 32 | bytes */
};

/* Takes the space of a packet of n bytes. False: the peer has taken more than the part of what is left. Callers take
 * turns; a lost update would only let a packet more in. */
must_check bool share_take(struct share_total *total, struct share *mine, uint32_t n, uint32_t part);
/* The queue was emptied: no share is used any more. Any thread. */
void share_next_round(struct share_total *total);

#endif
