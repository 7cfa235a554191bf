/* The outer headers of super-packets in UDP tunnels, such as VXLAN (RFC 7348). */
#include "offload.h"

#include "offload_headers.h"

enum {
	VXLAN_HEADER = 8,
	ETHERNET_V4 = 0x0800,
	ETHERNET_V6 = 0x86dd,
};

bool split_ip_is(const uint8_t *p, uint32_t l3, uint32_t l4, bool *v6, unsigned int protocol)
{
	unsigned int header;

	if (l4 < l3 + V4_HEADER)
		return false;
	*v6 = p[l3] >> 4 == 6;
	header = (p[l3] & 15u) * 4;
	if (*v6)
		return l4 >= l3 + V6_HEADER; /* with extension headers, the first is another */
	return p[l3] >> 4 == 4 && header >= V4_HEADER && l4 == l3 + header && p[l3 + 9] == protocol;
}

void split_ip_header(uint8_t *d, bool v6, uint32_t size, uint16_t id)
{
	uint64_t sum;

	if (v6) {
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

bool split_tunnel_begin(struct split *s, const struct vnet_header *h)
{
	uint32_t l4 = load_le16(h->outer_l4);
	bool v6;

	s->l3 = load_le16(h->inner_l3);
	if (s->l3 < l4 + UDP_HEADER || s->l4 < s->l3 || !split_ip_is(s->p, 0, l4, &v6, PROTO_UDP) ||
	    (h->gso.gso_type & GSO_TUNNEL) !=
		    (v6 ? VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6 : VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4) ||
	    (s->l4 - l4) % 2 != 0) /* the sums of both layers are of the same words */
		return false;
	s->outer_l4 = l4;
	s->outer_v6 = v6;
	s->outer_checksum = h->gso.flags & VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM;
	s->outer_id = v6 ? 0 : load_be16(s->p + 4);
	/* As in split_begin. */
	s->outer_pseudo = load_native16(s->p + l4 + UDP_CSUM) + (uint16_t)~checksum_be16(s->n - l4);
	return true;
}

void split_tunnel_header(const struct split *s, uint8_t *d, uint32_t size, uint32_t k)
{
	uint8_t *udp = d + s->outer_l4;
	uint64_t sum;

	split_ip_header(d, s->outer_v6, size, (uint16_t)(s->outer_id + k));
	store_be16(udp + 4, (uint16_t)(size - s->outer_l4));
	store_native16(udp + UDP_CSUM, 0);
	if (!s->outer_checksum)
		return;
	/* With the inner checksum, the sum from the inner TCP or UDP header on is the complement of its pseudo header,
	 * so that the payload is not read again ("local checksum offload"). */
	sum = s->outer_pseudo + checksum_be16(size - s->outer_l4);
	sum += (uint16_t)~checksum_fold(s->pseudo + (uint64_t)checksum_be16(size - s->l4));
	store_checksum(udp + UDP_CSUM, checksum_add(sum, udp, s->l4 - s->outer_l4), true);
}

uint8_t vxlan_payload(const uint32_t *ports, const uint8_t *p, uint32_t n, uint32_t l4, bool v6)
{
	uint32_t l3 = l4 + UDP_HEADER + VXLAN_HEADER + ETHERNET_HEADER;
	const uint8_t *vxlan = p + l4 + UDP_HEADER;
	uint32_t port = load_be16(p + l4 + 2) + (v6 ? TUNNEL_PORT_V6 : 0u);
	uint16_t ethertype;
	unsigned int i = 0;

	if (n < l3 + V4_HEADER || load_be16(p + l4 + 4) != n - l4 || load_be16(p + l4 + 2) == 0)
		return 0;
	while (i < TUNNEL_PORTS && ports[i] != port)
		i++;
	/* The VNI is valid, no other flag or reserved bit is set. */
	if (i == TUNNEL_PORTS || load_be32(vxlan) != 0x08000000 || vxlan[7] != 0)
		return 0;
	ethertype = load_be16(p + l3 - 2);
	return (ethertype == ETHERNET_V4 && p[l3] >> 4 == 4) || (ethertype == ETHERNET_V6 && p[l3] >> 4 == 6) ?
		       (uint8_t)l3 : 0;
}

bool same_tunnel(const uint8_t *a, const uint8_t *b, uint32_t outer_l4, uint32_t l3)
{
	const uint8_t *ua = a + outer_l4, *ub = b + outer_l4;

	return memcmp(ua, ub, 4) == 0 && !load_be16(ua + UDP_CSUM) == !load_be16(ub + UDP_CSUM) &&
	       memcmp(ua + UDP_HEADER, ub + UDP_HEADER, l3 - outer_l4 - UDP_HEADER) == 0;
}

bool outer_checksums_are_valid(const uint8_t *p, uint32_t n, bool v6, uint32_t outer_l4, uint32_t l4, uint64_t sum)
{
	if (!v6 && checksum_fold(checksum_add(0, p, V4_HEADER)) != 0xffff)
		return false;
	if (load_be16(p + outer_l4 + UDP_CSUM) == 0)
		return true;
	sum += checksum_pseudo(p, v6, PROTO_UDP, n - outer_l4);
	return checksum_fold(checksum_add(sum, p + outer_l4, l4 - outer_l4)) == 0xffff;
}

void join_ip_header(uint8_t *d, bool v6, uint32_t size)
{
	if (v6) {
		store_be16(d + 4, (uint16_t)(size - V6_HEADER));
		return;
	}
	store_be16(d + 2, (uint16_t)size);
	store_native16(d + 10, 0);
	store_checksum(d + 10, checksum_add(0, d, V4_HEADER), false);
}

void join_tunnel_header(const struct join_item *it, struct vnet_header *h, uint8_t *header)
{
	uint8_t *udp = header + it->outer_l4;
	uint32_t udp_bytes = it->total - it->outer_l4;

	join_ip_header(header, it->outer_v6, it->total);
	store_be16(udp + 4, (uint16_t)udp_bytes);
	h->gso.gso_type = (uint8_t)(h->gso.gso_type | (it->outer_v6 ? VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6 :
									VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4));
	h->outer_l4[0] = it->outer_l4;
	h->inner_l3[0] = it->l3;
	if (load_be16(udp + UDP_CSUM) == 0)
		return;
	h->gso.flags |= VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM;
	store_native16(udp + UDP_CSUM, checksum_fold(checksum_pseudo(header, it->outer_v6, PROTO_UDP, udp_bytes)));
}
