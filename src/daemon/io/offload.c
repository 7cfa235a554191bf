/* Splitting and joining super-packets. */
#include "offload.h"

#include <assert.h>
#include <stdatomic.h>
#include "offload_headers.h"

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
	s->udp = type == VIRTIO_NET_HDR_GSO_UDP_L4;
	if (s->l4 + (s->udp ? 8u : 20u) > s->n ||
	    !split_ip_is(s->p, s->l3, s->l4, &s->v6, s->udp ? PROTO_UDP : PROTO_TCP))
		return false;
	return h->csum_offset == (s->udp ? UDP_CSUM : TCP_CSUM) &&
	       (s->udp || s->v6 == (type == VIRTIO_NET_HDR_GSO_TCPV6));
}

bool split_begin(struct split *s, const struct vnet_header *header, uint8_t *p, size_t n)
{
	const struct virtio_net_hdr *h = &header->gso;
	unsigned int type = h->gso_type & ~(unsigned int)(VIRTIO_NET_HDR_GSO_ECN | GSO_TUNNEL);
	uint32_t tcp_header;

	*s = (struct split){ .p = p, .n = (uint32_t)n };
	if (n == 0 || n > OFFLOAD_PACKET_MAX)
		return false;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return !(h->gso_type & GSO_TUNNEL) && split_plain(s, h, p);
	if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6 &&
	    type != VIRTIO_NET_HDR_GSO_UDP_L4)
		return false;
	s->l4 = h->csum_start;
	s->mss = h->gso_size;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || s->mss == 0 || s->l4 > n)
		return false;
	if ((h->gso_type & GSO_TUNNEL) && !split_tunnel_begin(s, header))
		return false;
	if (!split_headers(s, type, h))
		return false;
	tcp_header = s->udp ? 8 : (p[s->l4 + 12] >> 4) * 4u;
	s->header_n = s->l4 + tcp_header;
	if (tcp_header < (s->udp ? 8 : 20) || s->header_n >= s->n)
		return false;
	s->at = s->header_n;
	s->id = s->v6 ? 0 : load_be16(p + s->l3 + 4);
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

void split_next(struct split *s, uint8_t *dst)
{
	uint32_t size = split_size(s), payload = size - s->header_n, l4_bytes = size - s->l4;
	uint8_t *l4 = dst + s->l4, *field = l4 + (s->udp ? UDP_CSUM : TCP_CSUM);
	uint32_t before = s->at - s->header_n, k = before / s->mss;
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
	split_ip_header(dst + s->l3, s->v6, size - s->l3, (uint16_t)(s->id + k));
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
	if (s->outer_l4)
		split_tunnel_header(s, dst, size, k);
	s->at += payload;
}

/* ---- join ---- */

/* The properties of a packet that matter for joining. l3, outer_l4: as in struct split. */
struct shape {
	bool v6, outer_v6, candidate, has_ports, push;
	uint8_t protocol, l3, outer_l4;
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
	} else if (x->protocol == PROTO_UDP && l4_bytes > UDP_HEADER) {
		x->header_n = (uint16_t)(x->l4 + UDP_HEADER);
		/* Without checksum, splitting adds one; receivers would drop IPv6 datagrams without (RFC 8200, 8.1). */
		x->candidate = (protocols & JOIN_UDP) && load_be16(l4 + 4) == l4_bytes &&
			       (!x->v6 || load_be16(l4 + UDP_CSUM) != 0);
	}
}

/* The IP header at x->l3 and what follows it. */
static void shape_ip(struct shape *x, const uint8_t *p, uint32_t n, unsigned int protocols)
{
	uint32_t bytes = n - x->l3;

	p += x->l3;
	if (bytes >= V4_HEADER && p[0] == 0x45) {
		x->l4 = x->l3 + V4_HEADER;
		x->protocol = p[9];
		/* Not a fragment, reserved bit clear; the length is that of the packet. */
		if ((load_be16(p + 6) & 0xbfff) == 0 && load_be16(p + 2) == bytes)
			shape_transport(x, p - x->l3, n, protocols);
	} else if (bytes >= V6_HEADER && p[0] >> 4 == 6) {
		x->v6 = true;
		x->l4 = x->l3 + V6_HEADER;
		x->protocol = p[6];
		if (load_be16(p + 4) + (uint32_t)V6_HEADER == bytes)
			shape_transport(x, p - x->l3, n, protocols);
	}
}

static struct shape shape_of(const struct join *j, const uint8_t *p, uint32_t n)
{
	struct shape x = { 0 }, inner = { 0 };

	if (n > OFFLOAD_PACKET_MAX) /* too long for any IP packet */
		return x;
	shape_ip(&x, p, n, j->protocols);
	if (!(j->protocols & JOIN_VXLAN) || !x.has_ports || x.protocol != PROTO_UDP)
		return x;
	inner.outer_l4 = (uint8_t)x.l4;
	inner.outer_v6 = x.v6;
	inner.l3 = vxlan_payload(j->tunnel_ports, p, n, x.l4, x.v6);
	if (inner.l3 == 0)
		return x;
	shape_ip(&inner, p, n, JOIN_TCP);
	return inner.has_ports && inner.protocol == PROTO_TCP ? inner : x;
}

static unsigned int flow_hash(const uint8_t *p, const struct shape *x)
{
	uint32_t h = load_le32(p + x->l4) ^ x->protocol ^ x->outer_l4;

	for (unsigned int i = x->l3 + (x->v6 ? 8u : 12u); i < x->l4; i += 4)
		h = (h ^ load_le32(p + i)) * 0x9e3779b1u;
	return (h ^ h >> 15) * 0x85ebca6bu >> 24;
}

/* Compares the fields of an IP header that a joined packet has only once: addresses, protocol, TOS, flow label, TTL,
 * DF. */
static bool same_ip(const uint8_t *a, const uint8_t *b, bool v6)
{
	if (v6)
		return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 34) == 0;
	return load_be16(a) == load_be16(b) && memcmp(a + 6, b + 6, 4) == 0 && memcmp(a + 12, b + 12, 8) == 0;
}

/* Also the ports; for TCP acknowledgement, window, urgent pointer and options; in a tunnel both layers. */
static bool same_headers(const uint8_t *a, const uint8_t *b, const struct shape *x)
{
	const uint8_t *ta = a + x->l4, *tb = b + x->l4;

	if (!same_ip(a + x->l3, b + x->l3, x->v6) || memcmp(ta, tb, 4) != 0)
		return false;
	if (x->outer_l4 && !(same_ip(a, b, x->outer_v6) && same_tunnel(a, b, x->outer_l4, x->l3)))
		return false;
	if (x->protocol == PROTO_UDP)
		return !load_be16(ta + UDP_CSUM) == !load_be16(tb + UDP_CSUM);
	return memcmp(ta + 8, tb + 8, 5) == 0 && ((ta[13] ^ tb[13]) & ~TCP_PSH) == 0 &&
	       memcmp(ta + 14, tb + 14, 2) == 0 &&
	       memcmp(ta + 18, tb + 18, x->header_n - x->l4 - 18u) == 0;
}

/* Splitting gives consecutive identifications; with DF they have no meaning (RFC 6864). */
static bool identification_follows(const uint8_t *first, const uint8_t *p, bool v6, unsigned int count)
{
	return v6 || (p[6] & 0x40) || load_be16(p + 4) == (uint16_t)(load_be16(first + 4) + count);
}

static bool can_follow(const struct join *j, const struct join_item *it, const uint8_t *p, uint32_t n,
		       const struct shape *x)
{
	const uint8_t *first = j->packets[it->first].p;
	uint32_t payload = n - x->header_n;
	unsigned int most = x->protocol == PROTO_TCP ? JOIN_SEGMENTS_MAX : JOIN_DATAGRAMS_MAX;

	if (it->closed || it->protocol != x->protocol || it->v6 != x->v6 || it->outer_l4 != x->outer_l4 ||
	    it->outer_v6 != x->outer_v6 || it->l3 != x->l3 || it->header_n != x->header_n || payload > it->mss ||
	    it->count >= most || it->total + payload > OFFLOAD_PACKET_MAX || !same_headers(first, p, x))
		return false;
	if (x->protocol == PROTO_TCP && load_be32(p + x->l4 + 4) != it->next_seq)
		return false;
	return identification_follows(first + x->l3, p + x->l3, x->v6, it->count) &&
	       (!x->outer_l4 || identification_follows(first, p, x->outer_v6, it->count));
}

/* After joining, the kernel cannot verify the checksum of each packet, so it must be valid. */
static bool checksums_are_valid(const uint8_t *p, uint32_t n, const struct shape *x)
{
	uint64_t sum;

	if (!x->v6 && checksum_fold(checksum_add(0, p + x->l3, V4_HEADER)) != 0xffff)
		return false;
	if (x->protocol == PROTO_UDP && load_be16(p + x->l4 + UDP_CSUM) == 0)
		return true; /* it has none */
	sum = checksum_add(0, p + x->l4, n - x->l4);
	return checksum_fold(sum + checksum_pseudo(p + x->l3, x->v6, x->protocol, n - x->l4)) == 0xffff &&
	       (!x->outer_l4 || outer_checksums_are_valid(p, n, x->outer_v6, x->outer_l4, x->l4, sum));
}

void join_begin(struct join *j, unsigned int protocols, const struct tunnel_ports *ports)
{
	bool any = false;

	for (unsigned int i = 0; (protocols & JOIN_VXLAN) && i < ARRAY_LEN(j->tunnel_ports); i++) {
		j->tunnel_ports[i] = atomic_load_explicit(&ports->port[i], memory_order_relaxed);
		any |= j->tunnel_ports[i] != 0;
	}
	j->protocols = any ? protocols : protocols & ~(unsigned int)JOIN_VXLAN;
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
	it->outer_v6 = x->outer_v6;
	it->l3 = x->l3;
	it->outer_l4 = x->outer_l4;
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
	struct shape x = j->protocols ? shape_of(j, p, n) : (struct shape){ 0 };
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

static void join_headers(const struct join *j, const struct join_item *it, struct vnet_header *v,
			 uint8_t *header)
{
	struct virtio_net_hdr *h = &v->gso;
	uint8_t *l4 = header + it->l4, *ip = header + it->l3;
	bool udp = it->protocol == PROTO_UDP;

	memcpy(header, j->packets[it->first].p, it->header_n);
	join_ip_header(ip, it->v6, it->total - it->l3);
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
		       checksum_fold(checksum_pseudo(ip, it->v6, it->protocol, it->total - it->l4)));
	if (it->outer_l4)
		join_tunnel_header(it, v, header);
}

unsigned int join_frame(const struct join *j, uint32_t i, struct vnet_header *h,
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
