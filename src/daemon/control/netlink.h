/* Just enough rtnetlink to set up a link and to ask about routes. */
#ifndef DAEMON_NETLINK_H
#define DAEMON_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "base/base.h"

enum { NETLINK_ROOM = 8192 };

struct netlink_message {
	_Alignas(8) uint8_t bytes[512];
};

/* A non-blocking NETLINK_ROUTE socket subscribed to `groups` (RTMGRP_…), or -errno. */
must_check int netlink_open(uint32_t groups);

/* A request with its family header; nests and attributes follow. */
struct nlmsghdr *netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags,
			       const void *family_header, size_t n);
void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t n);
size_t netlink_nest(struct netlink_message *m, uint16_t type);
void netlink_nest_end(struct netlink_message *m, size_t nest);

/* Sends the request on a socket of its own and waits for the answer: the kernel's 0 or -errno, and
 * the first other message it sent, cut to room (*n = 0: none). reply may be null. */
must_check int netlink_ask(struct netlink_message *m, void *reply, size_t room, size_t *n);

/* Sends a dump request and hands every datagram of the answer to `each`. 0 or -errno. */
must_check int netlink_dump(struct netlink_message *m,
			    void (*each)(void *ctx, const void *messages, size_t n), void *ctx);

/* One message out of a buffer of them. */
struct netlink_view {
	uint16_t type;
	const uint8_t *p; /* what follows the header; after netlink_family, the attributes */
	size_t n;
};
/* Takes the first message off the front. False: no whole one is left. */
must_check bool netlink_next(struct netlink_view *v, const void **messages, size_t *n);
/* Copies the family's header, of this size, and leaves the attributes. False: the message is shorter. */
must_check bool netlink_family(struct netlink_view *v, void *header, size_t size);

/* The attribute's payload of at least `least` bytes, or null. */
const void *netlink_attribute(const void *attributes, size_t n, uint16_t type, size_t least,
			      size_t *size);

#endif
