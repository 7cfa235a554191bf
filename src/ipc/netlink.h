/* A netlink socket of libmnl: one request at a time, every message of the answer handed to a function. */
#ifndef WG_NETLINK_H
#define WG_NETLINK_H

#include <linux/netlink.h>

#include "../base/base.h"

enum {
	NETLINK_ANSWER_BYTES = 64 * 1024, /* 32 KiB and more let the kernel fill its largest dump pieces */
	NETLINK_BODY_MAX = 65536 - NLMSG_HDRLEN,
};

struct mnl_socket;

struct netlink {
	struct mnl_socket *socket; /* null: closed, or to be opened again by the next question */
	int protocol;
	uint32_t seq;
	uint8_t *request; /* NLMSG_HDRLEN bytes for us, then NETLINK_BODY_MAX for the body */
	uint8_t *answer;
};

/* 0 or -errno (-ELIBACC: libmnl is not installed); the struct is closed (zero) on error. */
must_check int netlink_open(struct netlink *s, int protocol);
void netlink_close(struct netlink *s); /* wipes what was said; a zeroed struct may be closed */

/* Where the body of the next request is written. */
uint8_t *netlink_body(struct netlink *s);

/* Sends the body with this type and these flags, REQUEST and ACK added, and hands the body of every
 * answer but acknowledgements to `take` (may be null). 0, the first -errno of `take` (which ends the
 * answer), the kernel's -errno, or -EINTR: the dump is torn, ask again. */
typedef int netlink_take(void *ctx, uint16_t type, const uint8_t *body, size_t n);
must_check int netlink_ask(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n,
			   netlink_take *take, void *ctx);

#endif
