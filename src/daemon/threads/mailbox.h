/* Bounded queue from many data threads to control: what only the control thread may process. Mail arrives in
 * the order it was posted. Mail that finds the mailbox full is dropped. */
#ifndef DAEMON_MAILBOX_H
#define DAEMON_MAILBOX_H

#include <pthread.h>
#include "proto/tunnel.h"

enum mail_kind {
	MAIL_HANDSHAKE,      /* a handshake message from UDP */
	MAIL_PACKET,         /* a packet from the TUN whose peer has no session */
	MAIL_UNREACHABLE,    /* the first bytes of a packet that no peer takes; its sender gets an ICMP error */
};

struct mail {
	struct wg_path path; /* handshake */
	uint32_t n;          /* bytes; at most WG_DATAGRAM_MAX */
	uint32_t ticket;     /* packet, unreachable: the ticket of its batch, which leaves first */
	uint8_t kind;        /* enum mail_kind */
	uint8_t tos;         /* handshake: of the outer IP header */
	_Alignas(8) uint8_t bytes[];
};

struct mailbox_half {
	uint8_t *buffer; /* pages are touched as needed */
	size_t used;     /* bytes */
};

struct mailbox { /* zeroed: may be freed */
	pthread_mutex_t lock;
	size_t capacity;             /* bytes of each half; constant */
	struct mailbox_half posted;  /* filled by data threads; under lock */
	struct mailbox_half taken;   /* owned by control: taken out of `posted` as a whole */
	size_t at;                   /* owned by control: offset of the next mail in `taken` */
};

must_check bool mailbox_init(struct mailbox *m, size_t capacity); /* false: out of memory */
void mailbox_free(struct mailbox *m);

/* Any thread: copies the header and header->n bytes. False: no space. */
must_check bool mailbox_post(struct mailbox *m, const struct mail *header, const uint8_t *bytes);

/* Control: the next mail, or null. Valid until the next call of either; peek leaves the mail in the mailbox. */
const struct mail *mailbox_peek(struct mailbox *m);
const struct mail *mailbox_next(struct mailbox *m);
bool mailbox_is_empty(struct mailbox *m); /* control */
bool mailbox_half_is_read(const struct mailbox *m); /* control: more mail is in the half that is being filled, if any */
size_t mailbox_waiting(struct mailbox *m); /* control: the bytes of the mail that waits */

#endif
