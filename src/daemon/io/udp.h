/* The UDP sockets of a tunnel, all on one port, and datagrams in batches through them. Each family has
 * two: one for data, which everything is sent by, and one on which the kernel puts handshake messages, so
 * that a flood of these fills a queue of its own. They live in the network namespace the daemon was
 * started in. */
#ifndef DAEMON_UDP_H
#define DAEMON_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "proto/tunnel.h"

enum {
	UDP_IN_MAX = 64,         /* datagrams of one receive call; super-datagrams: UDP_IN_GRO_MAX */
	UDP_IN_GRO_MAX = 16,
	UDP_IN_ROOM = 65536,     /* for each */
	UDP_OUT_MAX = 64,        /* messages of one send call */
	UDP_OUT_BUFS_MAX = 1024, /* datagrams in them */
	UDP_SEGMENTS_MAX = 64,   /* datagrams of one message */
	UDP_SEGMENTED_MAX = 65487, /* bytes of one message */
	UDP_CONTROL_ROOM = 128,
};

struct udp_ops {
	const char *name;
	/* As recvmmsg(2) and sendmmsg(2): how many, or -errno of the first. */
	int (*recv)(int fd, struct mmsghdr *m, unsigned int n);
	int (*send)(int fd, struct mmsghdr *m, unsigned int n);
};
extern const struct udp_ops udp_mmsg_ops, udp_plain_ops;

enum udp_which { UDP_V4, UDP_V6, UDP_V4_HANDSHAKES, UDP_V6_HANDSHAKES, UDP_SOCKETS };

struct udp_socket {
	int fd; /* -1: closed */
	const struct udp_ops *ops;
	bool v6, gro;         /* gro and segment: what the kernel does for us */
	bool handshakes;      /* what the filter put here only */
	_Atomic bool segment; /* atomic: any thread may find out that it does not */
	_Atomic uint32_t segment_max; /* no longer datagrams in one message: the route's MTU refused them */
};

struct udp {
	struct udp_socket sockets[UDP_SOCKETS]; /* by enum udp_which */
	uint16_t port;
};

void udp_init(struct udp *u); /* all closed */
/* Opens them on the port; 0: on a free one. A family that this system does not have is left out; where
 * handshakes cannot be set apart they come by the socket for data. off: enum offload_off. 0 or -errno, and
 * nothing is open then. */
must_check int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int off);
void udp_close(struct udp *u);
must_check int udp_set_mark(struct udp *u, uint32_t mark);
/* Routes changed: what the old ones refused may be tried again. */
void udp_forget_limits(struct udp *u);

/* ---- in ---- */

struct udp_inbox { /* owned by one worker */
	uint8_t *room; /* UDP_IN_MAX times UDP_IN_ROOM, touched as needed */
	struct mmsghdr msgs[UDP_IN_MAX];
	struct iovec iov[UDP_IN_MAX];
	struct sockaddr_in6 from[UDP_IN_MAX];
	_Alignas(8) uint8_t control[UDP_IN_MAX][UDP_CONTROL_ROOM];
};

/* What one message held: datagrams of `segment` bytes, the last one may be shorter. */
struct udp_received {
	uint8_t *p;
	uint32_t n, segment;
	uint8_t tos;
	struct wg_path path;
};

must_check bool udp_inbox_init(struct udp_inbox *in); /* false: out of memory */
void udp_inbox_free(struct udp_inbox *in);
/* Receives without waiting: how many messages, 0 for none or a passing error. */
unsigned int udp_receive(struct udp_socket *s, struct udp_inbox *in);
/* False: the message was cut or has no address. */
must_check bool udp_received_get(struct udp_inbox *in, unsigned int i, struct udp_received *out);

/* ---- out ---- */

struct udp_outbox { /* owned by one worker */
	struct mmsghdr msgs[UDP_OUT_MAX];
	struct iovec iov[UDP_OUT_BUFS_MAX];
	struct sockaddr_in6 to[UDP_OUT_MAX];
	_Alignas(8) uint8_t control[UDP_OUT_MAX][UDP_CONTROL_ROOM];
	const struct wg_path *paths[UDP_OUT_MAX];
	uint32_t segment[UDP_OUT_MAX];  /* bytes of each datagram of the message but the last */
	unsigned int n, n_iov;
	struct udp_socket *socket; /* all messages go through it */
	/* The system refused to send from this path's local address. */
	void (*source_refused)(void *ctx, const struct wg_path *path);
	/* So many bytes did not leave. */
	void (*unsent)(void *ctx, const struct wg_path *path, size_t bytes);
	void *ctx;
};

/* Sends every buffer of the batch with verdict WG_TO_UDP, in order; neighbours of one path and size
 * leave as one message. What cannot be sent is lost, as on any network. */
void udp_send(struct udp *u, struct udp_outbox *o, const struct wg_batch *b);

#endif
