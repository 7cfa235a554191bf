/* IP packets built from a description, and reference checksums. */
#include "packet_shape.h"

const struct shape shape_plain = { .ttl = 64, .flags = 0x10, .df = true, .port = 443, .window = 500,
				    .seq = 1000, .ack = 77, .payload = 100, .fill = 'a' };

uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t slow_l4_sum(const uint8_t *p, size_t n, bool v6)
{
	size_t l4 = v6 ? SHAPE_V6 : SHAPE_V4;
	uint32_t sum = (uint32_t)(n - l4) + (v6 ? p[6] : p[9]);

	sum += slow_sum(0, v6 ? p + 8 : p + 12, v6 ? 32 : 8);
	return slow_sum(sum, p + l4, n - l4);
}

uint32_t shape_header_bytes(const struct shape *s)
{
	return (s->v6 ? SHAPE_V6 : SHAPE_V4) + (s->udp ? 8 : 20 + s->options);
}

static void put_ip(uint8_t *p, const struct shape *s, uint32_t n)
{
	memset(p, 0, s->v6 ? SHAPE_V6 : SHAPE_V4);
	if (s->v6) {
		store_be32(p, 6u << 28 | (uint32_t)s->tos << 20 | s->flow);
		store_be16(p + 4, (uint16_t)(n - SHAPE_V6));
		p[6] = s->udp ? 17 : 6;
		p[7] = s->ttl;
		p[8] = p[24] = 0xfd;
		p[23] = 1;
		p[39] = 2;
		return;
	}
	p[0] = 0x45;
	p[1] = s->tos;
	store_be16(p + 2, (uint16_t)n);
	store_be16(p + 4, s->id);
	p[6] = s->df ? 0x40 : 0;
	p[8] = s->ttl;
	p[9] = s->udp ? 17 : 6;
	memcpy(p + 12, (const uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
	store_be16(p + 10, (uint16_t)~slow_sum(0, p, SHAPE_V4));
}

uint32_t shape_make(uint8_t *p, const struct shape *s)
{
	uint32_t l4 = s->v6 ? SHAPE_V6 : SHAPE_V4, n = shape_header_bytes(s) + s->payload;
	uint8_t *t = p + l4;

	put_ip(p, s, n);
	memset(t, 0, 20 + s->options);
	store_be16(t, 5000);
	store_be16(t + 2, s->port);
	for (uint32_t i = 0; i < s->payload; i++)
		p[shape_header_bytes(s) + i] = (uint8_t)(s->fill + i * 7);
	if (s->udp) {
		store_be16(t + 4, (uint16_t)(n - l4));
		store_be16(t + 6, 0);
		store_be16(t + 6, (uint16_t)~slow_l4_sum(p, n, s->v6));
		return n;
	}
	store_be32(t + 4, s->seq);
	store_be32(t + 8, s->ack);
	t[12] = (uint8_t)((20 + s->options) / 4 << 4);
	t[13] = s->flags;
	store_be16(t + 14, s->window);
	memset(t + 20, 1, s->options);
	store_be16(t + 16, (uint16_t)~slow_l4_sum(p, n, s->v6));
	return n;
}

uint32_t shape_make_vxlan(uint8_t *p, const struct shape *outer, const struct shape *inner, bool checksum)
{
	uint32_t l4 = outer->v6 ? SHAPE_V6 : SHAPE_V4, l3 = l4 + SHAPE_VXLAN, n = l3 + shape_make(p + l3, inner);

	put_ip(p, outer, n);
	store_be16(p + l4, 50000);
	store_be16(p + l4 + 2, outer->port);
	store_be16(p + l4 + 4, (uint16_t)(n - l4));
	store_be16(p + l4 + 6, 0);
	store_be32(p + l4 + 8, 0x08000000); /* flags */
	store_be32(p + l4 + 12, 0x123400);  /* VNI */
	memset(p + l4 + 16, 0x42, 12);
	store_be16(p + l3 - 2, inner->v6 ? 0x86dd : 0x0800);
	if (checksum)
		store_be16(p + l4 + 6, (uint16_t)~slow_l4_sum(p, n, outer->v6));
	return n;
}
