/* A netlink socket of libmnl: a question, whose answer is handed to a function message by message, or
 * several orders in one send, acknowledged together. */
#ifndef WG_NETLINK_H
#define WG_NETLINK_H

#include <linux/netlink.h>

#include "base/base.h"

enum {
	NETLINK_ANSWER_BYTES = 64 * 1024, /* 32 KiB and more let the kernel fill its largest dump pieces */
	NETLINK_BODY_MAX = 65536 - NLMSG_HDRLEN,
	NETLINK_QUEUE_MAX = 3, /* messages of a send: what the usual send buffer of 208 KiB holds; so many
				* acknowledgements fit the smallest receive buffer, none gets lost */
};

struct mnl_socket;

struct netlink {
	struct mnl_socket *socket; /* null: closed, or to be opened again by the next question */
	int protocol;
	uint32_t seq; /* of the last message queued */
	uint8_t *request; /* the messages of one send */
	uint8_t *answer;
	size_t room;      /* bytes that one send may have */
	size_t queued, used; /* bytes waiting to be sent, and the most there ever were */
	uint32_t n_queued;
};

/* 0 or -errno (-ELIBACC: libmnl is not installed); the struct is closed (zero) on error. */
must_check int netlink_open(struct netlink *s, int protocol);
void netlink_close(struct netlink *s); /* wipes what was said; a zeroed struct may be closed */

/* Where the body of the next request is written, and the most that it may have now. */
uint8_t *netlink_body(struct netlink *s);
size_t netlink_body_room(const struct netlink *s);

/* Sends the body with this type and these flags, REQUEST and ACK added, and hands the body of every
 * answer but acknowledgements to `take` (may be null). 0, the first -errno of `take` (which ends the
 * answer), the kernel's -errno, or -EINTR: the dump is torn, ask again. Nothing may be queued. */
typedef int netlink_take(void *ctx, uint16_t type, const uint8_t *body, size_t n);
must_check int netlink_ask(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n,
			   netlink_take *take, void *ctx);

/* Queues the body as an order, REQUEST and ACK added; netlink_flush sends what is queued at once and
 * waits for every acknowledgement. The kernel obeys in turn, and goes on after one that it refuses, so
 * what must not happen without an earlier order belongs in a later send. 0 or the first refusal. */
void netlink_queue(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n);
must_check int netlink_flush(struct netlink *s);

#endif
