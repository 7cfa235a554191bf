/* The UDP sockets of the tunnel, all on one port, and datagrams in batches through them. Each address family
 * has two sockets: one for data, by which everything is sent, and one to which the kernel directs handshake
 * messages, so that a flood of these fills a separate queue. The sockets belong to the network namespace in
 * which the daemon was started. */
#ifndef DAEMON_UDP_H
#define DAEMON_UDP_H

#include <netinet/in.h>
#include <sys/socket.h>
#include "proto/tunnel.h"

enum {
	UDP_RX_MESSAGES_MAX = 64,     /* messages of one receive call */
	UDP_RX_GRO_MESSAGES_MAX = 16, /* likewise, when each may hold many datagrams */
	UDP_RX_MESSAGE_BYTES = 65536, /* buffer for each */
	UDP_TX_MESSAGES_MAX = 64,     /* messages of one send call */
	UDP_TX_BUFS_MAX = 1024,       /* datagrams in them */
	UDP_GSO_SEGMENTS_MAX = 64,    /* datagrams of one message that every kernel accepts */
	UDP_GSO_BYTES_MAX = 65487,    /* bytes of one message: 65,535 less the IPv6 and UDP headers */
	UDP_CMSG_BYTES = 128,         /* control messages of one message */
};

struct udp_ops {
	const char *name;
	/* As recvmmsg(2) and sendmmsg(2): the number of messages, or -errno of the first. */
	int (*recv)(int fd, struct mmsghdr *m, unsigned int n);
	int (*send)(int fd, struct mmsghdr *m, unsigned int n);
};
extern const struct udp_ops udp_mmsg_ops, udp_plain_ops;

enum udp_socket_index { UDP_V4, UDP_V6, UDP_V4_HANDSHAKES, UDP_V6_HANDSHAKES, UDP_SOCKETS };

struct udp_socket {
	int fd; /* -1: closed. This and the next three are constant while threads run */
	const struct udp_ops *ops;
	bool v6;
	bool gro;         /* UDP_GRO is on: a message may hold many datagrams */
	bool handshakes;  /* receives handshake messages only */
	_Atomic bool gso; /* UDP_SEGMENT works; any thread clears it when it does not */
	_Atomic uint32_t gso_size_max; /* longer datagrams leave one by one: the MTU of a route refused them */
};

struct udp {
	struct udp_socket sockets[UDP_SOCKETS]; /* by enum udp_socket_index */
	int guard_v4, guard_v6; /* have the port, so that no other process can share it; receive nothing; negative: none */
	uint16_t port;
};

void udp_init(struct udp *u); /* all closed */
/* Opens the sockets on a port (0: a free one). Leaves out a family that this system lacks. Without separate
 * sockets for handshake messages, these arrive on the sockets for data. mark: SO_MARK (0: none). disabled: enum
 * offload_disable. 0, or -errno and nothing is open. */
must_check int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int disabled);
void udp_close(struct udp *u);
must_check int udp_set_mark(struct udp *u, uint32_t mark); /* 0 or -errno */
/* Lifts gso_size_max: the routes that refused long datagrams may have changed. */
void udp_reset_limits(struct udp *u);

/* ---- receiving ---- */

struct udp_rx { /* owned by one worker */
	uint8_t *buffer; /* UDP_RX_MESSAGE_BYTES for each message */
	struct mmsghdr msgs[UDP_RX_MESSAGES_MAX];
	struct iovec iov[UDP_RX_MESSAGES_MAX];
	struct sockaddr_in6 from[UDP_RX_MESSAGES_MAX];
	_Alignas(8) uint8_t control[UDP_RX_MESSAGES_MAX][UDP_CMSG_BYTES];
};

/* A received message: datagrams of `segment_bytes`, of which the last may be shorter. */
struct udp_rx_message {
	uint8_t *p; /* in the buffer of udp_rx; the worker may write to it */
	uint32_t n, segment_bytes;
	uint8_t tos;
	struct wg_path path;
};

must_check bool udp_rx_init(struct udp_rx *rx); /* false: out of memory */
void udp_rx_free(struct udp_rx *rx);
/* Receives without blocking. Returns the number of messages; 0: none, or a temporary error. */
unsigned int udp_receive(struct udp_socket *s, struct udp_rx *rx);
/* False: the message was truncated or has no sender. */
must_check bool udp_rx_get(struct udp_rx *rx, unsigned int i, struct udp_rx_message *out);

/* ---- sending ---- */

struct udp_tx { /* owned by one worker */
	struct mmsghdr msgs[UDP_TX_MESSAGES_MAX];
	struct iovec iov[UDP_TX_BUFS_MAX];
	struct sockaddr_in6 to[UDP_TX_MESSAGES_MAX];
	_Alignas(8) uint8_t control[UDP_TX_MESSAGES_MAX][UDP_CMSG_BYTES];
	const struct wg_path *paths[UDP_TX_MESSAGES_MAX];
	uint32_t segment_bytes[UDP_TX_MESSAGES_MAX]; /* of each datagram of the message but the last */
	unsigned int n, n_iov;
	struct udp_socket *socket; /* of all messages */
	/* The kernel refused to send from this path's local address. May be null. */
	void (*source_refused)(void *ctx, const struct wg_path *path);
	/* So many bytes could not be sent. May be null. */
	void (*unsent)(void *ctx, const struct wg_path *path, size_t bytes);
	void *ctx;
};

/* Sends, in order, every buffer of the batch whose verdict is WG_TO_UDP. Neighbours of one path and size leave
 * as one message. Datagrams that cannot be sent are lost, as on any network. */
void udp_send(struct udp *u, struct udp_tx *tx, const struct wg_batch *b);

#endif
