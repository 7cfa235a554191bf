/* Super-packets: splitting those that the TUN delivers (segmentation, GSO), and joining packets that are
 * written to it (GRO). Pure: bytes in, bytes out. The rule is that of TSO and GRO in the kernel: a joined
 * packet, split again, gives the packets that it was joined from; packets with differences that would be lost
 * are not joined. */
#ifndef DAEMON_OFFLOAD_H
#define DAEMON_OFFLOAD_H

#include <linux/virtio_net.h>
#include <sys/uio.h>
#include "checksum.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

enum {
	OFFLOAD_PACKET_MAX = 65535, /* bytes */
	JOIN_PACKETS_MAX = 1024,    /* packets of one struct join */
	JOIN_SEGMENTS_MAX = 512,    /* packets of one TCP super-packet */
	JOIN_DATAGRAMS_MAX = 64,    /* packets of one UDP super-packet that every kernel accepts */
	JOIN_IOV_MAX = 2 + JOIN_SEGMENTS_MAX, /* virtio header, packet headers, payloads */
	JOIN_HEADER_MAX = 40 + 60,  /* bytes: IPv6, and TCP with all options */
};

/* ---- splitting one super-packet ---- */

struct split { /* borrows the super-packet */
	const uint8_t *p;
	uint32_t n;
	uint32_t at;       /* offset of the payload that is left */
	uint32_t l4;       /* offset of the TCP or UDP header */
	uint32_t header_n; /* offset of the payload; 0: a plain packet, which is the only segment */
	uint32_t mss;
	uint32_t seq;      /* TCP: sequence number of the first segment */
	uint32_t pseudo;   /* sum of the pseudo header without the length */
	uint16_t id;       /* IPv4: identification of the first segment */
	bool v6, udp;
};

/* False: the virtio header and the packet contradict each other. The checksum of a plain packet is completed in
 * place when the virtio header requests it. */
must_check bool split_begin(struct split *s, const struct virtio_net_hdr *h, uint8_t *p, size_t n);
/* The bytes of the next segment; 0: none is left. */
uint32_t split_size(const struct split *s);
/* Writes the next segment, split_size() bytes, to dst, which does not overlap the super-packet. At least one
 * segment is left. */
void split_next(struct split *s, uint8_t *dst);

/* ---- joining packets ---- */

enum join_protocol { JOIN_TCP = 1, JOIN_UDP = 2 };

struct join_item { /* one packet or super-packet to write to the TUN */
	uint32_t next_seq;
	uint32_t total;       /* bytes of the joined packet */
	uint16_t first, last; /* packets, chained by join.next */
	uint16_t count;       /* packets */
	uint16_t l4, header_n, mss;
	uint8_t protocol;     /* 0: not to be joined with anything */
	bool v6, closed, push, verified;
};

struct join { /* owned by one worker; about 60 KiB */
	unsigned int protocols; /* enum join_protocol */
	uint32_t n, n_items;
	struct { const uint8_t *p; uint32_t n; } packets[JOIN_PACKETS_MAX];
	uint16_t next[JOIN_PACKETS_MAX];
	struct join_item items[JOIN_PACKETS_MAX];
	uint16_t flows[256]; /* index of an item plus 1, by hash of addresses and ports; the latest replaces others */
};

void join_begin(struct join *j, unsigned int protocols);
/* At most JOIN_PACKETS_MAX packets. Each stays in place, unchanged, until it is written. */
void join_add(struct join *j, const uint8_t *p, uint32_t n);
/* The buffers to write for item i: iov[0] is `h`, then the packet; the headers of a joined packet are built in
 * `header`. Returns their number, at most JOIN_IOV_MAX. */
unsigned int join_frame(const struct join *j, uint32_t i, struct virtio_net_hdr *h,
			uint8_t header[JOIN_HEADER_MAX], struct iovec iov[JOIN_IOV_MAX]);

#endif
