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
#ifndef VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4
#define VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4 0x20 /* Linux 6.17 */
#define VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6 0x40
#endif
#ifndef VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM
#define VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM 8 /* Linux 6.17 */
#endif

enum {
	GSO_TUNNEL = VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4 | VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6,
	ETHERNET_HEADER = 14,       /* bytes */
	OFFLOAD_PACKET_MAX = 65535, /* bytes */
	JOIN_PACKETS_MAX = 1024,    /* packets of one struct join */
	JOIN_SEGMENTS_MAX = 512,    /* packets of one TCP super-packet */
	JOIN_DATAGRAMS_MAX = 64,    /* packets of one UDP super-packet that every kernel accepts */
	JOIN_IOV_MAX = 2 + JOIN_SEGMENTS_MAX, /* virtio header, packet headers, payloads */
	JOIN_HEADER_MAX = 40 + 8 + 8 + 14 + 40 + 60, /* bytes: IPv6, UDP, VXLAN, Ethernet, IPv6, TCP with all options */
};

/* The layout of struct virtio_net_hdr_v1_hash_tunnel (Linux 6.17). Devices without UDP tunnels have only `gso`. */
struct vnet_header {
	struct virtio_net_hdr gso;
	uint8_t unused[10];  /* number of buffers, hash: zero */
	uint8_t outer_l4[2]; /* little-endian offset of the outer UDP header; with VIRTIO_NET_HDR_GSO_UDP_TUNNEL_… */
	uint8_t inner_l3[2]; /* and of the inner IP header, to which the others refer */
};

/* ---- splitting one super-packet ---- */

struct split { /* borrows the super-packet */
	const uint8_t *p;
	uint32_t n;
	uint32_t at;       /* offset of the payload that is left */
	uint32_t l3;       /* offset of the IP header, in a tunnel the inner one */
	uint32_t l4;       /* offset of the TCP or UDP header */
	uint32_t header_n; /* offset of the payload; 0: a plain packet, which is the only segment */
	uint32_t mss;
	uint32_t seq;      /* TCP: sequence number of the first segment */
	uint32_t pseudo;   /* sum of the pseudo header without the length */
	uint16_t id;       /* IPv4: identification of the first segment */
	bool v6, udp;
	bool outer_v6, outer_checksum;
	uint32_t outer_l4; /* offset of the UDP header of a tunnel such as VXLAN; 0: no tunnel */
	uint32_t outer_pseudo;
	uint16_t outer_id;
};

/* False: the virtio header and the packet contradict each other. The checksum of a plain packet is completed in
 * place when the virtio header requests it. */
must_check bool split_begin(struct split *s, const struct vnet_header *h, uint8_t *p, size_t n);
/* The bytes of the next segment; 0: none is left. */
uint32_t split_size(const struct split *s);
/* Writes the next segment, split_size() bytes, to dst, which does not overlap the super-packet. At least one
 * segment is left. */
void split_next(struct split *s, uint8_t *dst);

/* ---- joining packets ---- */

enum join_protocol {
	JOIN_TCP = 1,
	JOIN_UDP = 2,
	JOIN_VXLAN = 4, /* TCP in VXLAN, when sent to one of tunnel_ports */
};

/* UDP ports at which the kernel has VXLAN devices. Only these take joined VXLAN packets; any other socket would receive
 * a joined packet as one datagram. Zero: unused. */
enum {
	TUNNEL_PORTS = 8,
	TUNNEL_PORT_V6 = 1 << 16, /* added to a port of IPv6 */
};
struct tunnel_ports { _Atomic uint32_t port[TUNNEL_PORTS]; };

struct join_item { /* one packet or super-packet to write to the TUN */
	uint32_t next_seq;
	uint32_t total;       /* bytes of the joined packet */
	uint16_t first, last; /* packets, chained by join.next */
	uint16_t count;       /* packets */
	uint16_t l4, header_n, mss;
	uint8_t protocol;     /* 0: not to be joined with anything */
	uint8_t l3, outer_l4; /* as in struct split */
	bool v6, outer_v6, closed, push, verified;
};

struct join { /* owned by one worker; about 60 KiB */
	unsigned int protocols; /* enum join_protocol */
	uint32_t tunnel_ports[TUNNEL_PORTS];
	uint32_t n, n_items;
	struct { const uint8_t *p; uint32_t n; } packets[JOIN_PACKETS_MAX];
	uint16_t next[JOIN_PACKETS_MAX];
	struct join_item items[JOIN_PACKETS_MAX];
	uint16_t flows[256]; /* index of an item plus 1, by hash of addresses and ports; the latest replaces others */
};

/* ports: for JOIN_VXLAN. */
void join_begin(struct join *j, unsigned int protocols, const struct tunnel_ports *ports);
/* At most JOIN_PACKETS_MAX packets. Each stays in place, unchanged, until it is written. */
void join_add(struct join *j, const uint8_t *p, uint32_t n);
/* The buffers to write for item i: iov[0] is `h`, then the packet; the headers of a joined packet are built in
 * `header`. Returns their number, at most JOIN_IOV_MAX. */
unsigned int join_frame(const struct join *j, uint32_t i, struct vnet_header *h,
			uint8_t header[JOIN_HEADER_MAX], struct iovec iov[JOIN_IOV_MAX]);

#endif
