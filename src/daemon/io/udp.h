/* The UDP sockets of the tunnel, all on one port, and datagrams in batches through them. Each address family
 * has sockets for data, as many as there are data threads, among which the receiver index chooses, so that the data of a
 * session arrives on one socket, and two to which the kernel directs initiations, and
 * responses and cookie replies, so that a flood of one kind fills its own queue. Each thread sends through one for data,
 * but for paths that were found to be slow, for which there are more sockets (slow_paths.h). The sockets belong to the network
 * namespace in which the daemon was started. */
#ifndef DAEMON_UDP_H
#define DAEMON_UDP_H

#include <limits.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include "model/binding.h"
#include "proto/tunnel.h"
#include "segment_limits.h"
#include "slow_paths.h"
#include "udp_filter.h"

enum {
	UDP_RX_MESSAGES_MAX = 64,     /* messages of one receive call */
	UDP_RX_GRO_MESSAGES_MAX = 16, /* likewise, when each may hold many datagrams */
	UDP_RX_MESSAGE_BYTES = 65536, /* buffer for each */
	UDP_RX_SEGMENTS_MAX = 64,     /* datagrams of one that was joined from separate ones (UDP_GRO) */
	UDP_TX_MESSAGES_MAX = 64,     /* messages of one send call */
	UDP_TX_BUFS_MAX = 1024,       /* datagrams in them */
	UDP_GSO_SEGMENTS_MAX = 64,    /* datagrams of one message that every kernel accepts */
	UDP_GSO_BYTES_MAX = 65487,    /* bytes of one message: 65,535 less the IPv6 and UDP headers */
	UDP_LOOK_UPS_MAX = 16,        /* of routes, for one batch */
	UDP_CMSG_BYTES = 128,         /* control messages of one message */
};

struct udp_ops {
	const char *name;
	/* As recvmmsg(2) and sendmmsg(2): the number of messages, or -errno of the first. */
	int (*recv)(int fd, struct mmsghdr *m, unsigned int n);
	int (*send)(int fd, struct mmsghdr *m, unsigned int n);
};
extern const struct udp_ops udp_mmsg_ops, udp_plain_ops;

enum udp_socket_index {
	UDP_V4, UDP_V6,
	UDP_V4_INITIATIONS, UDP_V6_INITIATIONS,
	UDP_V4_REPLIES, UDP_V6_REPLIES,
	UDP_V4_MORE, UDP_V6_MORE, /* the second pair of sockets for data; more pairs follow */
	UDP_DATA_MAX = 8,         /* sockets for data, of each family */
	UDP_SOCKETS = UDP_V4_MORE + 2 * (UDP_DATA_MAX - 1)
};

enum {
	UDP_SLOW_HANDSHAKES = SLOW_SOCKETS, /* the socket for handshake messages through slow devices; after those for data */
	UDP_SLOW_SOCKETS
};

/* The index of socket `number` for data. */
static inline unsigned int udp_data_index(bool v6, unsigned int number)
{
	return (number == 0 ? UDP_V4 : UDP_V4_MORE + 2 * (number - 1)) + v6;
}

struct udp_socket {
	int fd; /* -1: closed. This and the rest are constant while threads run */
	const struct udp_ops *ops;
	bool v6;
	bool gro;        /* UDP_GRO is on: a message may hold many datagrams */
	bool gso;        /* the kernel has UDP_SEGMENT */
	bool has_source; /* it is bound to an address, from which everything is sent */
	uint32_t send_bytes; /* of its send buffer */
	uint32_t n_dropped;  /* udp_take_dropped; owned by control */
	enum udp_kind kind; /* not data: receives no other messages, but for those joined with one of its kind */
};

struct udp {
	struct udp_socket sockets[UDP_SOCKETS]; /* by enum udp_socket_index */
	uint8_t n_data[2]; /* by UDP_V4 and UDP_V6: open sockets for data, the first of them by number. Constant while threads run */
	struct udp_socket slow[2][UDP_SLOW_SOCKETS]; /* by UDP_V4 and UDP_V6: for slow paths; a filter drops what they receive */
	struct wg_binding binding; /* this and the next one are constant while threads run */
	uint32_t ifindex;       /* that the sockets are bound to: of the device, or UDP_NO_DEVICE; 0: none */
	int guard_v4, guard_v6; /* keep other processes from sharing the port; receive nothing; negative: none */
	uint16_t port;
	_Atomic uint32_t mark;           /* of the sockets */
	_Atomic uint32_t routes_version; /* counts changes of the routing tables; written by control, read by any thread */
};

void udp_init(struct udp *u); /* all closed */
/* Opens the sockets on a port (0: a free one). Leaves out a family that this system lacks. Without separate
 * sockets for handshake messages, these arrive on the sockets for data. mark: SO_MARK (0: none). disabled: enum
 * offload_disable. 0, or -errno and nothing is open. */
must_check int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int disabled);
/* The same with n_data sockets for data of each family, or as many as can be opened. */
must_check int udp_open_shards(struct udp *u, uint16_t port, uint32_t mark, unsigned int disabled, unsigned int n_data);

/* An interface index that no interface has: nothing leaves or arrives. For a device that does not exist now. */
#define UDP_NO_DEVICE ((uint32_t)INT_MAX - 1)
struct udp_options {
	uint32_t mark;
	unsigned int disabled, n_data;
	struct wg_binding binding;
	uint32_t ifindex;    /* of its device, or UDP_NO_DEVICE; 0: it has none */
	bool address_may_be_missing; /* else -EADDRNOTAVAIL */
	struct udp *next_to;  /* these sockets of the process have the port, or null. They are as before if that fails, and to be
			      * closed if it succeeds */
};
/* Whether the kernel puts the sockets of a family into one group with those that they are next to, and numbers them after these. */
bool udp_joins_group(const struct udp_options *o, bool v6);
unsigned int udp_group_size(const struct udp *u, bool v6); /* sockets that are open */
must_check int udp_open_bound(struct udp *u, uint16_t port, const struct udp_options *o);
/* Whether sockets could be opened: a device without SO_BINDTOIFINDEX (before Linux 5.0), an address that is missing. 0 or -errno. */
must_check int udp_probe_binding(const struct udp_options *o);
/* The number of parts into which the sockets divide the sessions (wg_shard_of). */
static inline unsigned int udp_shards(const struct udp *u)
{
	unsigned int n = u->n_data[UDP_V4] > u->n_data[UDP_V6] ? u->n_data[UDP_V4] : u->n_data[UDP_V6];

	return n > 0 ? n : 1;
}
void udp_close(struct udp *u);
must_check int udp_set_mark(struct udp *u, uint32_t mark); /* 0 or -errno */
/* Datagrams that the kernel dropped at the open sockets since the last call: no WireGuard messages (udp_filter.h), or a
 * full buffer. Asking when the number is wanted costs the packet path nothing, as SO_RXQ_OVFL would. */
uint64_t udp_take_dropped(struct udp *u);
/* Before the sockets are closed: the kernel refuses what arrives from now on, as if they were closed, or at least drops and
 * counts it. What already waits can be received, and the number of drops does not change any more. */
void udp_stop_receiving(struct udp *u);
/* Routes, rules or links changed: makes the workers discard their segment limits, of which routes may have been the
 * reason, and look up source addresses again before they use them. O(1). */
void udp_routes_changed(struct udp *u);
/* The bytes that wait in the socket to be sent, and the memory for them. */
uint32_t udp_waiting(const struct udp_socket *s);

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
/* The most messages that one call receives. */
unsigned int udp_receive_max(const struct udp_socket *s);
/* Receives up to `most` messages without blocking. Returns their number; 0: none, or a temporary error. */
unsigned int udp_receive(struct udp_socket *s, struct udp_rx *rx, unsigned int most);
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
	uint32_t bytes[UDP_TX_MESSAGES_MAX];
	unsigned int n, n_iov;
	uint64_t n_sent;           /* datagrams that the kernel took, since the caller cleared it */
	struct udp_socket *socket; /* of all messages */
	unsigned int number;       /* of the socket for data that the worker sends through, if there are as many */
	struct segment_limits limits;
	struct slow_paths slow[2]; /* by UDP_V4 and UDP_V6 */
	uint32_t routes_version;   /* of struct udp, when the limits were noted */
	uint64_t now_ns;
	/* The kernel refused to send from this path's local address, or its route now leads elsewhere. May be null. */
	void (*source_refused)(void *ctx, const struct wg_path *path);
	/* Asks for the route of a path (route_query_path), and stores the result with the peer. Null: routes are not
	 * looked up. */
	int (*look_up)(void *ctx, const struct wg_path *path, uint32_t *ifindex);
	void (*source_kept)(void *ctx, const struct wg_path *path);
	uint64_t look_up_again_ns; /* after a look-up that failed without an answer */
	/* So many datagrams with so many bytes could not be sent. queue_full: too many wait along their path. May be null. */
	void (*unsent)(void *ctx, const struct wg_path *path, unsigned int datagrams, size_t bytes, bool queue_full);
	void *ctx;
};

/* Before udp_send, outside the turn of this batch: looks up the routes of those IPv4 paths of the batch whose source has
 * not been looked up since routes changed, at most UDP_LOOK_UPS_MAX of them, and clears the sources that must not be
 * used any more. The others keep theirs until they are used again. While paths are slow (slow_paths_needs_devices), it looks up
 * other paths as well, only for their device. */
void udp_check_sources(struct udp *u, struct udp_tx *tx, struct wg_batch *b);
/* Sends, in order, every buffer of the batch whose verdict is WG_TO_UDP. Neighbours of one path and size leave
 * as one message. If the kernel refuses that, they leave one by one, and if all of them do, then for a while also the
 * next ones of this path. Never waits: datagrams that cannot be sent are lost, as on any network. */
void udp_send(struct udp *u, struct udp_tx *tx, const struct wg_batch *b, uint64_t now_ns);

#endif
