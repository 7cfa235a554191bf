/* Splitting and joining super-packets. Field offsets: RFC 791 (IPv4), 8200 (IPv6), 9293 (TCP), 768 (UDP). */
#include "offload.h"

#include <assert.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

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
};

static_assert(sizeof(struct virtio_net_hdr) == 10 && offsetof(struct virtio_net_hdr, gso_type) == 1 &&
	      offsetof(struct virtio_net_hdr, hdr_len) == 2 && offsetof(struct virtio_net_hdr, gso_size) == 4 &&
	      offsetof(struct virtio_net_hdr, csum_start) == 6 && offsetof(struct virtio_net_hdr, csum_offset) == 8,
	      "virtio header (VIRTIO 1.2, 5.1.6)");
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
static uint16_t checksum_be16(uint32_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	uint16_t native;

	memcpy(&native, b, 2);
	return native;
}

static uint16_t load_native16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return v;
}

static void store_native16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, 2);
}

/* Stores the checksum from the sum of everything it covers. UDP sends 0xffff instead of zero (RFC 768). */
static void store_checksum(uint8_t *field, uint64_t sum, bool udp)
{
	uint16_t c = (uint16_t)~checksum_fold(sum);

	store_native16(field, c == 0 && udp ? 0xffff : c);
}

static uint64_t checksum_pseudo(const uint8_t *p, bool v6, uint8_t protocol, uint32_t l4_bytes)
{
	uint64_t sum = v6 ? checksum_add(0, p + 8, 32) : checksum_add(0, p + 12, 8);

	return sum + checksum_be16(protocol) + checksum_be16(l4_bytes);
}

/* ---- split ---- */

static bool split_plain(struct split *s, const struct virtio_net_hdr *h, uint8_t *p)
{
	size_t field = (size_t)h->csum_start + h->csum_offset;

	s->mss = s->n;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	if (field + 2 > s->n)
		return false;
	store_checksum(p + field, checksum_add(0, p + h->csum_start, s->n - h->csum_start),
		       h->csum_offset == UDP_CSUM);
	return true;
}

/* True: the headers of the packet to be split agree with the virtio header. */
static bool split_headers(struct split *s, unsigned int type, const struct virtio_net_hdr *h)
{
	const uint8_t *p = s->p;
	unsigned int version = p[0] >> 4, ip_header = version == 6 ? V6_HEADER : (p[0] & 15u) * 4;

	s->v6 = version == 6;
	s->udp = type == VIRTIO_NET_HDR_GSO_UDP_L4;
	if ((version != 4 && version != 6) || ip_header < V4_HEADER || s->l4 < ip_header)
		return false;
	if (!s->v6 && (s->l4 != ip_header || p[9] != (s->udp ? PROTO_UDP : PROTO_TCP)))
		return false;
	if (!s->udp && s->v6 != (type == VIRTIO_NET_HDR_GSO_TCPV6))
		return false;
	return h->csum_offset == (s->udp ? UDP_CSUM : TCP_CSUM) &&
	       s->l4 + (s->udp ? 8u : 20u) <= s->n;
}

bool split_begin(struct split *s, const struct virtio_net_hdr *h, uint8_t *p, size_t n)
{
	unsigned int type = h->gso_type & ~(unsigned int)VIRTIO_NET_HDR_GSO_ECN;
	uint32_t tcp_header;

	*s = (struct split){ .p = p, .n = (uint32_t)n };
	if (n == 0 || n > OFFLOAD_PACKET_MAX)
		return false;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return split_plain(s, h, p);
	if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6 &&
	    type != VIRTIO_NET_HDR_GSO_UDP_L4)
		return false;
	s->l4 = h->csum_start;
	s->mss = h->gso_size;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || s->mss == 0 || n < V4_HEADER ||
	    !split_headers(s, type, h))
		return false;
	tcp_header = s->udp ? 8 : (p[s->l4 + 12] >> 4) * 4u;
	s->header_n = s->l4 + tcp_header;
	if (tcp_header < (s->udp ? 8 : 20) || s->header_n >= s->n)
		return false;
	s->at = s->header_n;
	s->id = s->v6 ? 0 : load_be16(p + 4);
	s->seq = s->udp ? 0 : load_be32(p + s->l4 + 4);
	/* The field holds the sum of the pseudo header; subtract the length of the super-packet. */
	s->pseudo = load_native16(p + s->l4 + h->csum_offset) +
		    (uint16_t)~checksum_be16(s->n - s->l4);
	return true;
}

uint32_t split_size(const struct split *s)
{
	uint32_t left = s->n - s->at;

	return left == 0 ? 0 : s->header_n + (left < s->mss ? left : s->mss);
}

static void split_ip_header(const struct split *s, uint8_t *d, uint32_t size, uint16_t id)
{
	uint64_t sum;

	if (s->v6) {
		store_be16(d + 4, (uint16_t)(size - V6_HEADER));
		return;
	}
	/* RFC 1624: updates the sum by the old and the new fields. */
	sum = (uint16_t)~load_native16(d + 10) + (uint64_t)(uint16_t)~load_native16(d + 2) +
	      (uint16_t)~load_native16(d + 4) + checksum_be16(size) + checksum_be16(id);
	store_be16(d + 2, (uint16_t)size);
	store_be16(d + 4, id);
	store_checksum(d + 10, sum, false);
}

void split_next(struct split *s, uint8_t *dst)
{
	uint32_t size = split_size(s), payload = size - s->header_n, l4_bytes = size - s->l4;
	uint8_t *l4 = dst + s->l4, *field = l4 + (s->udp ? UDP_CSUM : TCP_CSUM);
	uint32_t before = s->at - s->header_n;
	uint64_t sum;
	bool last = s->at + payload == s->n;

	assert(s->at < s->n && s->at + payload <= s->n);
	if (s->header_n == 0) {
		memcpy(dst, s->p, s->n);
		s->at = s->n;
		return;
	}
	memcpy(dst, s->p, s->header_n);
	sum = checksum_add_copy(s->pseudo + checksum_be16(l4_bytes), dst + s->header_n, s->p + s->at, payload);
	split_ip_header(s, dst, size, (uint16_t)(s->id + before / s->mss));
	if (s->udp) {
		store_be16(l4 + 4, (uint16_t)l4_bytes);
	} else {
		store_be32(l4 + 4, s->seq + before);
		if (!last)
			l4[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
		if (before > 0)
			l4[13] &= (uint8_t)~TCP_CWR;
	}
	store_native16(field, 0);
	store_checksum(field, checksum_add(sum, l4, s->header_n - s->l4), s->udp);
	s->at += payload;
}

/* ---- join ---- */

/* The properties of a packet that matter for joining. */
struct shape {
	bool v6, candidate, has_ports, push;
	uint8_t protocol;
	uint16_t l4, header_n;
};

static void shape_transport(struct shape *x, const uint8_t *p, uint32_t n, unsigned int protocols)
{
	const uint8_t *l4 = p + x->l4;
	uint32_t l4_bytes = n - x->l4;

	x->has_ports = (x->protocol == PROTO_TCP || x->protocol == PROTO_UDP) && l4_bytes >= 8;
	if (x->protocol == PROTO_TCP && l4_bytes > 20) {
		x->header_n = (uint16_t)(x->l4 + (l4[12] >> 4) * 4);
		x->push = l4[13] & TCP_PSH;
		x->candidate = (protocols & JOIN_TCP) && x->header_n >= x->l4 + 20 && x->header_n < n &&
			       (l4[13] & ~TCP_PSH) == TCP_ACK && (l4[12] & 15) == 0;
	} else if (x->protocol == PROTO_UDP && l4_bytes > 8) {
		x->header_n = (uint16_t)(x->l4 + 8);
		x->candidate = (protocols & JOIN_UDP) && load_be16(l4 + 4) == l4_bytes &&
			       load_be16(l4 + UDP_CSUM) != 0;
	}
}

static struct shape shape_of(const uint8_t *p, uint32_t n, unsigned int protocols)
{
	struct shape x = { 0 };

	if (n > OFFLOAD_PACKET_MAX) /* too long for any IP packet */
		return x;
	if (n >= V4_HEADER && p[0] == 0x45) {
		x.l4 = V4_HEADER;
		x.protocol = p[9];
		/* Not a fragment, reserved bit clear; the length is that of the packet. */
		if ((load_be16(p + 6) & 0xbfff) == 0 && load_be16(p + 2) == n)
			shape_transport(&x, p, n, protocols);
	} else if (n >= V6_HEADER && p[0] >> 4 == 6) {
		x.v6 = true;
		x.l4 = V6_HEADER;
		x.protocol = p[6];
		if (load_be16(p + 4) + (uint32_t)V6_HEADER == n)
			shape_transport(&x, p, n, protocols);
	}
	return x;
}

static unsigned int flow_hash(const uint8_t *p, const struct shape *x)
{
	uint32_t h = load_le32(p + x->l4) ^ x->protocol;

	for (unsigned int i = x->v6 ? 8 : 12; i < x->l4; i += 4)
		h = (h ^ load_le32(p + i)) * 0x9e3779b1u;
	return (h ^ h >> 15) * 0x85ebca6bu >> 24;
}

/* Compares the fields that a joined packet has only once: addresses, ports, protocol, TOS, flow label, TTL, DF;
 * for TCP also acknowledgement, window, urgent pointer and options. */
static bool same_headers(const uint8_t *a, const uint8_t *b, const struct shape *x)
{
	const uint8_t *ta = a + x->l4, *tb = b + x->l4;

	if (x->v6) {
		if (memcmp(a, b, 4) != 0 || memcmp(a + 6, b + 6, 34) != 0)
			return false;
	} else if (load_be16(a) != load_be16(b) || memcmp(a + 6, b + 6, 4) != 0 ||
		   memcmp(a + 12, b + 12, 8) != 0) {
		return false;
	}
	if (memcmp(ta, tb, 4) != 0)
		return false;
	if (x->protocol == PROTO_UDP)
		return true;
	return memcmp(ta + 8, tb + 8, 5) == 0 && ((ta[13] ^ tb[13]) & ~TCP_PSH) == 0 &&
	       memcmp(ta + 14, tb + 14, 2) == 0 &&
	       memcmp(ta + 18, tb + 18, x->header_n - x->l4 - 18u) == 0;
}

static bool can_follow(const struct join *j, const struct join_item *it, const uint8_t *p, uint32_t n,
		       const struct shape *x)
{
	const uint8_t *first = j->packets[it->first].p;
	uint32_t payload = n - x->header_n;
	unsigned int most = x->protocol == PROTO_TCP ? JOIN_SEGMENTS_MAX : JOIN_DATAGRAMS_MAX;

	if (it->closed || it->protocol != x->protocol || it->v6 != x->v6 ||
	    it->header_n != x->header_n || payload > it->mss || it->count >= most ||
	    it->total + payload > OFFLOAD_PACKET_MAX || !same_headers(first, p, x))
		return false;
	if (x->protocol == PROTO_TCP && load_be32(p + x->l4 + 4) != it->next_seq)
		return false;
	/* Splitting gives consecutive identifications; with DF they have no meaning (RFC 6864). */
	return x->v6 || (p[6] & 0x40) ||
	       load_be16(p + 4) == (uint16_t)(load_be16(first + 4) + it->count);
}

/* After joining, the kernel cannot verify the checksum of each packet, so it must be valid. */
static bool checksums_are_valid(const uint8_t *p, uint32_t n, const struct shape *x)
{
	if (!x->v6 && checksum_fold(checksum_add(0, p, V4_HEADER)) != 0xffff)
		return false;
	return checksum_fold(checksum_add(checksum_pseudo(p, x->v6, x->protocol, n - x->l4), p + x->l4,
				  n - x->l4)) == 0xffff;
}

void join_begin(struct join *j, unsigned int protocols)
{
	j->protocols = protocols;
	if (j->n_items > 0)
		memset(j->flows, 0, sizeof j->flows);
	j->n = j->n_items = 0;
}

static void join_new_item(struct join *j, uint16_t packet, const struct shape *x)
{
	struct join_item *it = &j->items[j->n_items++];
	uint32_t n = j->packets[packet].n;

	*it = (struct join_item){ .first = packet, .last = packet, .count = 1, .total = n };
	if (!x->candidate)
		return;
	it->protocol = x->protocol;
	it->v6 = x->v6;
	it->l4 = x->l4;
	it->header_n = x->header_n;
	it->mss = (uint16_t)(n - x->header_n);
	it->push = x->push;
	it->closed = x->push; /* PSH ends a super-packet */
	if (x->protocol == PROTO_TCP)
		it->next_seq = load_be32(j->packets[packet].p + x->l4 + 4) + it->mss;
}

/* True: the packet is now part of the item. */
static bool join_to(struct join *j, struct join_item *it, uint16_t packet, const struct shape *x)
{
	const uint8_t *p = j->packets[packet].p, *first = j->packets[it->first].p;
	uint32_t n = j->packets[packet].n, payload = n - x->header_n;

	if (!can_follow(j, it, p, n, x))
		return false;
	if (!it->verified) {
		it->verified = true;
		it->closed = !checksums_are_valid(first, j->packets[it->first].n, x);
	}
	if (it->closed || !checksums_are_valid(p, n, x))
		return false;
	j->next[it->last] = packet;
	it->last = packet;
	it->count++;
	it->total += payload;
	it->next_seq += payload;
	it->push |= x->push;
	it->closed = x->push || payload < it->mss;
	return true;
}

void join_add(struct join *j, const uint8_t *p, uint32_t n)
{
	struct shape x = j->protocols ? shape_of(p, n, j->protocols) : (struct shape){ 0 };
	uint16_t packet = (uint16_t)j->n++;
	uint16_t *slot;

	assert(packet < JOIN_PACKETS_MAX);
	j->packets[packet].p = p;
	j->packets[packet].n = n;
	if (!x.has_ports) {
		join_new_item(j, packet, &x);
		return;
	}
	slot = &j->flows[flow_hash(p, &x)];
	if (x.candidate && *slot && join_to(j, &j->items[*slot - 1], packet, &x))
		return;
	join_new_item(j, packet, &x); /* later packets of this flow must not join an earlier item */
	*slot = (uint16_t)j->n_items;
}

static void join_headers(const struct join *j, const struct join_item *it, struct virtio_net_hdr *h,
			 uint8_t *header)
{
	uint8_t *l4 = header + it->l4;
	bool udp = it->protocol == PROTO_UDP;

	memcpy(header, j->packets[it->first].p, it->header_n);
	if (it->v6) {
		store_be16(header + 4, (uint16_t)(it->total - V6_HEADER));
	} else {
		store_be16(header + 2, (uint16_t)it->total);
		store_native16(header + 10, 0);
		store_checksum(header + 10, checksum_add(0, header, V4_HEADER), false);
	}
	if (udp)
		store_be16(l4 + 4, (uint16_t)(it->total - it->l4));
	else if (it->push)
		l4[13] |= TCP_PSH;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->gso_type = udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
		      it->v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	h->hdr_len = it->header_n;
	h->gso_size = it->mss;
	h->csum_start = it->l4;
	h->csum_offset = udp ? UDP_CSUM : TCP_CSUM;
	store_native16(l4 + h->csum_offset,
		       checksum_fold(checksum_pseudo(header, it->v6, it->protocol, it->total - it->l4)));
}

unsigned int join_frame(const struct join *j, uint32_t i, struct virtio_net_hdr *h,
			uint8_t header[JOIN_HEADER_MAX], struct iovec iov[JOIN_IOV_MAX])
{
	const struct join_item *it = &j->items[i];
	unsigned int n = 0;
	uint16_t packet = it->first;

	assert(i < j->n_items && it->count + 2u <= JOIN_IOV_MAX && it->header_n <= JOIN_HEADER_MAX);
	memset(h, 0, sizeof *h);
	iov[n++] = (struct iovec){ h, sizeof *h };
	if (it->count == 1) {
		iov[n].iov_base = (void *)(uintptr_t)j->packets[packet].p;
		iov[n++].iov_len = j->packets[packet].n;
		return n;
	}
	join_headers(j, it, h, header);
	iov[n++] = (struct iovec){ header, it->header_n };
	for (unsigned int k = 0; k < it->count; k++, packet = j->next[packet]) {
		iov[n].iov_base = (void *)(uintptr_t)(j->packets[packet].p + it->header_n);
		iov[n++].iov_len = j->packets[packet].n - it->header_n;
	}
	return n;
}
