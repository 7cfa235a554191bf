/* Super-packets: cutting what TUN hands over with segmentation offload, joining what goes back to it.
 * Pure: bytes in, bytes out. The rules are those of TSO and GRO: a joined packet, cut again, is the
 * packets it was made of; whatever differs in a way that would be lost is not joined. */
#ifndef DAEMON_OFFLOAD_H
#define DAEMON_OFFLOAD_H

#include <linux/virtio_net.h>
#include <sys/uio.h>
#include "checksum.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* Linux 6.2 */
#endif

enum {
	OFFLOAD_PACKET_MAX = 65535,
	JOIN_PACKETS_MAX = 1024, /* packets of one struct join */
	JOIN_SEGMENTS_MAX = 512, /* of one TCP super-packet */
	JOIN_DATAGRAMS_MAX = 64, /* of one UDP super-packet: the kernel's UDP_MAX_SEGMENTS */
	JOIN_IOV_MAX = 2 + JOIN_SEGMENTS_MAX, /* virtio header, packet headers, payloads */
	JOIN_HEADER_MAX = 40 + 60,
};

/* ---- one super-packet to segments ---- */

struct split {
	const uint8_t *p;
	uint32_t n;
	uint32_t at;       /* payload handed out up to here */
	uint32_t l4;       /* offset of the TCP or UDP header */
	uint32_t header_n; /* offset of the payload; 0: a plain packet, handed out whole */
	uint32_t mss;
	uint32_t seq;      /* TCP: of the first segment */
	uint32_t pseudo;   /* pseudo header's sum without the length */
	uint16_t id;       /* IPv4: of the first segment */
	bool v6, udp;
};

/* False: the header and the packet disagree; nothing can be made of it. A plain packet gets its
 * checksum completed in place, when the header says that it is to be. */
must_check bool split_begin(struct split *s, const struct virtio_net_hdr *h, uint8_t *p, size_t n);
/* Bytes that the next segment needs; 0: that was the last. */
uint32_t split_size(const struct split *s);
/* Writes the next segment, split_size() bytes, to dst, which does not overlap the super-packet. */
void split_next(struct split *s, uint8_t *dst);

/* ---- packets to super-packets ---- */

enum join_what { JOIN_TCP = 1, JOIN_UDP = 2 };

struct join_item { /* one thing to write to TUN */
	uint32_t next_seq;
	uint32_t total;       /* bytes of the joined packet */
	uint16_t first, last; /* packets, chained by join.next */
	uint16_t count;
	uint16_t l4, header_n, mss;
	uint8_t protocol;     /* 0: never joined with anything */
	bool v6, closed, push, verified;
};

/* Owned by one worker. About 60 KiB; no pointers into it but those it hands out. */
struct join {
	unsigned int what; /* enum join_what */
	uint32_t n, n_items;
	struct { const uint8_t *p; uint32_t n; } packets[JOIN_PACKETS_MAX];
	uint16_t next[JOIN_PACKETS_MAX];
	struct join_item items[JOIN_PACKETS_MAX];
	uint16_t flows[256]; /* item + 1 by hash of the addresses and ports; the last one wins */
};

void join_begin(struct join *j, unsigned int what);
/* The packet stays where it is and as it is. At most JOIN_PACKETS_MAX of them. */
void join_add(struct join *j, const uint8_t *p, uint32_t n);
/* What to write for item i: iov[0] is `h`, then the packet's bytes, headers in `header` when it is
 * a joined one. Returns the number of iov entries, at most JOIN_IOV_MAX. */
unsigned int join_frame(const struct join *j, uint32_t i, struct virtio_net_hdr *h,
			uint8_t header[JOIN_HEADER_MAX], struct iovec iov[JOIN_IOV_MAX]);

#endif
