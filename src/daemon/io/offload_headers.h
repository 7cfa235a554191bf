/* Packet headers, for splitting and joining super-packets only. Field offsets: RFC 791 (IPv4), 8200 (IPv6), 9293
 * (TCP), 768 (UDP). */
#ifndef DAEMON_OFFLOAD_HEADERS_H
#define DAEMON_OFFLOAD_HEADERS_H

#include <assert.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include "offload.h"

enum {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	TCP_FIN = 0x01,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_CWR = 0x80,
	TCP_CSUM = 16,
	UDP_CSUM = 6,
	V4_HEADER = 20,
	V6_HEADER = 40,
	UDP_HEADER = 8,
};

static_assert(sizeof(struct virtio_net_hdr) == 10 && offsetof(struct virtio_net_hdr, gso_type) == 1 &&
	      offsetof(struct virtio_net_hdr, hdr_len) == 2 && offsetof(struct virtio_net_hdr, gso_size) == 4 &&
	      offsetof(struct virtio_net_hdr, csum_start) == 6 && offsetof(struct virtio_net_hdr, csum_offset) == 8,
	      "virtio header (VIRTIO 1.2, 5.1.6)");
static_assert(sizeof(struct vnet_header) == 24 && offsetof(struct vnet_header, outer_l4) == 20 &&
	      offsetof(struct vnet_header, inner_l3) == 22, "virtio header with UDP tunnel (VIRTIO 1.4, 5.1.6)");
static_assert(sizeof(struct iphdr) == V4_HEADER && offsetof(struct iphdr, tot_len) == 2 &&
	      offsetof(struct iphdr, id) == 4 && offsetof(struct iphdr, frag_off) == 6 &&
	      offsetof(struct iphdr, protocol) == 9 && offsetof(struct iphdr, check) == 10, "IPv4 header");
static_assert(sizeof(struct ip6_hdr) == V6_HEADER && offsetof(struct ip6_hdr, ip6_plen) == 4 &&
	      offsetof(struct ip6_hdr, ip6_nxt) == 6, "IPv6 header");
static_assert(offsetof(struct iphdr, saddr) == 12 && offsetof(struct iphdr, daddr) == 16 &&
	      offsetof(struct ip6_hdr, ip6_src) == 8 && offsetof(struct ip6_hdr, ip6_dst) == 24,
	      "the addresses of the pseudo header follow each other");
static_assert(sizeof(struct tcphdr) == 20 && offsetof(struct tcphdr, seq) == 4 &&
	      offsetof(struct tcphdr, check) == TCP_CSUM, "TCP header");
static_assert(sizeof(struct udphdr) == 8 && offsetof(struct udphdr, len) == 4 &&
	      offsetof(struct udphdr, check) == UDP_CSUM, "UDP header");

/* ---- checksums ---- */

/* The value of a big-endian field in a sum of native words. */
static inline uint16_t checksum_be16(uint32_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	uint16_t native;

	memcpy(&native, b, 2);
	return native;
}

static inline uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint16_t load_native16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static inline void store_native16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, 2);
}

/* Stores the checksum from the sum of everything it covers. UDP sends 0xffff instead of zero (RFC 768). */
static inline void store_checksum(uint8_t *field, uint64_t sum, bool udp)
{
	uint16_t c = (uint16_t)~checksum_fold(sum);

	store_native16(field, c == 0 && udp ? 0xffff : c);
}

static inline uint64_t checksum_pseudo(const uint8_t *p, bool v6, uint8_t protocol, uint32_t l4_bytes)
{
	uint64_t sum = v6 ? checksum_add(0, p + 8, 32) : checksum_add(0, p + 12, 8);

	return sum + checksum_be16(protocol) + checksum_be16(l4_bytes);
}

/* ---- UDP tunnels (offload_tunnel.c) ---- */

/* True: the outer headers agree with the virtio header. */
must_check bool split_tunnel_begin(struct split *s, const struct vnet_header *h);
/* Completes the outer headers of a segment of `size` bytes, the number `k`, whose inner headers are complete. */
void split_tunnel_header(const struct split *s, uint8_t *d, uint32_t size, uint32_t k);
/* Length, identification and checksum of the IP header at d, of a packet of `size` bytes. */
void split_ip_header(uint8_t *d, bool v6, uint32_t size, uint16_t id);
/* True: an IP header from l3 to l4, perhaps with extension headers, announces this protocol. */
must_check bool split_ip_is(const uint8_t *p, uint32_t l3, uint32_t l4, bool *v6, unsigned int protocol);

/* The offset of the IP header in an Ethernet frame in VXLAN in UDP (l4), sent to one of TUNNEL_PORTS ports;
 * 0: it is none. */
must_check uint8_t vxlan_payload(const uint32_t *ports, const uint8_t *p, uint32_t n, uint32_t l4, bool v6);
/* True: the headers from the outer UDP header to the inner IP header may belong to one joined packet. */
must_check bool same_tunnel(const uint8_t *a, const uint8_t *b, uint32_t outer_l4, uint32_t l3);
/* sum: of the bytes from l4 on. */
must_check bool outer_checksums_are_valid(const uint8_t *p, uint32_t n, bool v6, uint32_t outer_l4, uint32_t l4,
					  uint64_t sum);
/* Length and checksum of the IP header of a joined packet of `size` bytes. */
void join_ip_header(uint8_t *d, bool v6, uint32_t size);
/* Completes the outer headers of a joined packet. */
void join_tunnel_header(const struct join_item *it, struct vnet_header *h, uint8_t *header);

#endif
