/* Netlink, as far as the daemon needs it: setting up a link, queries and events of links and routes, other queries. */
#ifndef DAEMON_NETLINK_H
#define DAEMON_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include "base/base.h"

enum { NETLINK_BUFFER_BYTES = 8192 };

struct netlink_message { /* a request under construction */
	_Alignas(8) uint8_t bytes[512];
};

/* A non-blocking NETLINK_ROUTE socket with these subscriptions (RTMGRP_…), or -errno. */
must_check int netlink_open(uint32_t groups);
must_check int netlink_open_protocol(int protocol, uint32_t groups); /* NETLINK_… */

/* Begins a request with its family header of n bytes. Attributes follow, nested ones between nest and nest_end.
 */
struct nlmsghdr *netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags,
			       const void *family_header, size_t n);
void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t n);
size_t netlink_nest(struct netlink_message *m, uint16_t type);
void netlink_nest_end(struct netlink_message *m, size_t nest);

/* Sends the request on a new socket and waits for the acknowledgement. 0 or -errno, of the kernel or of
 * the socket. reply (may be null): the first other message, cut to the capacity; *n is 0 if there was none. */
must_check int netlink_request(struct netlink_message *m, void *reply, size_t capacity, size_t *n);

/* From now on, netlink_request() and netlink_dump() use this open, blocking socket, which may belong to another network
 * namespace; -1: a new socket for each again. Control thread only, as are these two functions. */
void netlink_use_socket(int fd);

/* The same on an open socket of this kind, for requests that the kernel answers while it takes them, such as look-ups:
 * nothing blocks. *first: the first message of the answer, in `reply`, cut to the capacity. -EAGAIN: it has sent no answer. */
struct netlink_socket {
	int fd; /* -1: closed */
	uint32_t sequence;
};
struct netlink_view;
must_check int netlink_exchange(struct netlink_socket *s, struct netlink_message *m, void *reply, size_t capacity,
				struct netlink_view *first);

/* Sends a dump request and calls `each` with every datagram of the answer. Kernels from 4.20 on send only what the
 * header and the attributes of the request ask for, others everything of the family. 0 or -errno. */
must_check int netlink_dump(struct netlink_message *m,
			    void (*each)(void *ctx, const void *messages, size_t n), void *ctx);

/* One message in a buffer of messages. */
struct netlink_view {
	uint16_t type, flags;
	const uint8_t *p; /* what follows the header; after netlink_read_family, the attributes */
	size_t n;
};
/* Takes the first message from the buffer. False: no complete one is left. */
must_check bool netlink_next(struct netlink_view *v, const void **messages, size_t *n);
/* Copies the family header, of this size, and leaves the attributes. False: the message is shorter. */
must_check bool netlink_read_family(struct netlink_view *v, void *header, size_t size);

/* The payload of the first attribute of this type with at least min_size bytes, or null. size may be null. */
const void *netlink_find_attribute(const void *attributes, size_t n, uint16_t type, size_t min_size,
				   size_t *size);

#endif
