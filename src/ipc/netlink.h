/* Netlink sockets through libmnl: one request with its replies, or several requests in one send with their
 * acknowledgements. */
#ifndef WG_NETLINK_H
#define WG_NETLINK_H

#include <linux/netlink.h>

#include "base/base.h"
#include "ext_ack.h"

enum {
	NETLINK_REPLY_BYTES = 64 * 1024, /* from 32 KiB the kernel fills its largest dump messages */
	NETLINK_BODY_MAX = 65536 - NLMSG_HDRLEN,
	NETLINK_QUEUE_MAX = 3, /* requests in one send: they fit the default send buffer of 208 KiB, and their
				* acknowledgements fit the smallest receive buffer, so that none is lost */
};

struct mnl_socket;

/* Zeroed: closed. */
struct netlink {
	struct mnl_socket *socket; /* null: closed; the next request reopens it */
	int protocol;
	uint32_t seq;              /* of the request queued last */
	uint8_t *requests;         /* queued, one after the other */
	uint8_t *reply;
	size_t send_max;           /* bytes of one send */
	size_t queued, used;       /* bytes of `requests`: waiting, and ever written */
	uint32_t n_queued;
	char refusal[EXT_ACK_TEXT_MAX]; /* the kernel's text about the error of the last request or flush, or "" */
};

/* 0 or -errno; closed after an error. */
must_check int netlink_open(struct netlink *s, int protocol);
void netlink_close(struct netlink *s); /* wipes the buffers */

/* Where to write the body of the next request, and the bytes that it may have. */
uint8_t *netlink_body(struct netlink *s);
size_t netlink_body_space(const struct netlink *s);

/* Sends the body as a request with NLM_F_REQUEST and NLM_F_ACK added, and passes the body of each reply except
 * acknowledgements to `reply` (may be null). Nothing may be queued. 0, the first -errno of `reply` (which ends the
 * request), the kernel's -errno, or -EINTR: the dump is inconsistent, repeat it. */
typedef int netlink_reply(void *ctx, uint16_t type, const uint8_t *body, size_t n);
must_check int netlink_request(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n, netlink_reply *reply,
			       void *ctx);

/* netlink_queue appends the body as a request, NLM_F_REQUEST and NLM_F_ACK added; netlink_flush sends the queue and
 * waits for all acknowledgements. The kernel processes requests in order and continues after one that it refuses: a
 * request that depends on an earlier one belongs in a later flush. 0 or the first refusal. */
void netlink_queue(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n);
must_check int netlink_flush(struct netlink *s);

#endif
