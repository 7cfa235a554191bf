/* Splitting super-packets: every segment and its checksums, and virtio headers that contradict the packet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/offload.h"
#include "../../../lib/packet_shape.h"

enum { CAPACITY = 70000 };

static uint32_t seed = 1;

static uint32_t random_number(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* The virtio header that the kernel would send for this super-packet, whose checksum becomes partial. */
static struct vnet_header super_header(uint8_t *p, const struct shape *s, uint32_t n, uint16_t mss)
{
	uint32_t l4 = s->v6 ? SHAPE_V6 : SHAPE_V4;
	struct virtio_net_hdr gso = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = s->udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    s->v6  ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = mss,
		.hdr_len = (uint16_t)shape_header_bytes(s),
		.csum_start = (uint16_t)l4,
		.csum_offset = s->udp ? 6 : 16,
	};
	uint32_t sum = n - l4 + (s->udp ? 17u : 6u);

	sum += slow_sum(0, s->v6 ? p + 8 : p + 12, s->v6 ? 32 : 8);
	store_be16(p + l4 + gso.csum_offset, slow_sum(sum, p, 0));
	return (struct vnet_header){ .gso = gso };
}

static void assert_valid(const uint8_t *p, uint32_t n, bool v6)
{
	if (!v6) {
		assert_int_equal(slow_sum(0, p, SHAPE_V4), 0xffff);
		assert_int_equal(load_be16(p + 2), n);
	} else {
		assert_int_equal(load_be16(p + 4) + SHAPE_V6, n);
	}
	assert_int_equal(slow_l4_sum(p, n, v6), 0xffff);
}

/* ---- sums ---- */

static void checksums_agree_with_a_simple_sum(void **state)
{
	uint8_t bytes[400];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = random_number() % sizeof bytes, from = random_number() % 8;
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = round % 3 ? (uint8_t)random_number() : 0xff;
		if (from > n)
			from = n;
		uint16_t fast = checksum_fold(checksum_add(0, bytes + from, n - from));
		uint8_t as_bytes[2];
		memcpy(as_bytes, &fast, 2);
		assert_int_equal(load_be16(as_bytes) % 0xffff,
				 slow_sum(0, bytes + from, n - from) % 0xffff);
	}
}

/* ---- split ---- */

static const struct split_case {
	struct shape shape;
	uint16_t mss;
} split_cases[] = {
	{ { .ttl = 64, .flags = 0x18, .df = true, .id = 65534, .payload = 4000, .seq = 0xfffffc00 }, 1360 },
	{ { .ttl = 64, .flags = 0x10, .payload = 2720, .options = 12 }, 1360 },
	{ { .ttl = 64, .flags = 0xd9, .payload = 1001, .options = 40 }, 500 },
	{ { .v6 = true, .ttl = 64, .flags = 0x18, .payload = 60000, .flow = 0x12345, .tos = 2 }, 1340 },
	{ { .udp = true, .ttl = 9, .payload = 5001, .tos = 0xb8 }, 1200 },
	{ { .v6 = true, .udp = true, .ttl = 9, .payload = 2400 }, 1200 },
	{ { .udp = true, .ttl = 9, .payload = 63 }, 1 },
	{ { .ttl = 64, .flags = 0x10, .payload = 10 }, 1360 },
};

static void segments_are_valid_and_complete(void **state)
{
	static uint8_t super[CAPACITY], segment[CAPACITY], whole[CAPACITY];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(split_cases); i++) {
		const struct shape *s = &split_cases[i].shape;
		uint16_t mss = split_cases[i].mss;
		uint32_t n = shape_make(super, s), head = shape_header_bytes(s), l4 = s->v6 ? SHAPE_V6 : SHAPE_V4, at = 0, size;
		struct vnet_header h = super_header(super, s, n, mss);
		struct split split;
		uint16_t count = 0;

		memcpy(whole, super, n);
		assert_true(split_begin(&split, &h, super, n));
		while ((size = split_size(&split)) > 0) {
			segment[size] = 0xa5;
			split_next(&split, segment);
			assert_int_equal(segment[size], 0xa5);
			assert_valid(segment, size, s->v6);
			assert_memory_equal(segment + head, whole + head + at, size - head);
			bool last = at + size - head == s->payload;
			assert_true(last || size == head + mss);
			if (!s->v6)
				assert_int_equal(load_be16(segment + 4), (uint16_t)(s->id + count));
			if (!s->udp) {
				uint8_t flags = s->flags & (last ? 0xff : 0xf6) & (count ? 0x7f : 0xff);
				assert_int_equal(load_be32(segment + l4 + 4), s->seq + at);
				assert_int_equal(segment[l4 + 13], flags);
			}
			at += size - head;
			count++;
		}
		assert_int_equal(at, s->payload);
		assert_int_equal(count, (s->payload + mss - 1) / mss);
		assert_memory_equal(super, whole, n);
	}
}

/* Needs h, good, split, p and n. */
#define REFUSED(change) \
	do { \
		h = good; \
		change; \
		assert_false(split_begin(&split, &h, p, n)); \
	} while (0)

/* ---- in VXLAN ---- */

/* Writes a super-packet in VXLAN and its virtio header; returns its size. */
static uint32_t make_tunnel(uint8_t *p, struct vnet_header *h, const struct shape *s, uint16_t mss, bool v6, bool checksum)
{
	const struct shape outer = { .udp = true, .v6 = v6, .ttl = 33, .tos = 2, .id = 0xfffe, .port = 4789 };
	uint32_t l4 = v6 ? SHAPE_V6 : SHAPE_V4, l3 = l4 + SHAPE_VXLAN, n = shape_make_vxlan(p, &outer, s, checksum);

	*h = super_header(p + l3, s, n - l3, mss);
	/* The kernel leaves the sum of the pseudo header in the outer field, too. */
	store_be16(p + l4 + 6, checksum ? slow_sum(n - l4 + 17, v6 ? p + 8 : p + 12, v6 ? 32 : 8) : 0);
	h->gso.csum_start = (uint16_t)(h->gso.csum_start + l3);
	h->gso.hdr_len = (uint16_t)(h->gso.hdr_len + l3);
	h->gso.flags |= checksum ? VIRTIO_NET_HDR_F_UDP_TUNNEL_CSUM : 0;
	h->gso.gso_type |= v6 ? VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV6 : VIRTIO_NET_HDR_GSO_UDP_TUNNEL_IPV4;
	h->outer_l4[0] = (uint8_t)l4;
	h->inner_l3[0] = (uint8_t)l3;
	return n;
}

static void assert_tunnel_segment(const uint8_t *d, const uint8_t *super, uint32_t size, bool v6, bool checksum, uint16_t k)
{
	uint32_t l4 = v6 ? SHAPE_V6 : SHAPE_V4, l3 = l4 + SHAPE_VXLAN;

	if (!v6)
		assert_int_equal(load_be16(d + 4), (uint16_t)(0xfffe + k));
	assert_int_equal(load_be16(d + l4 + 4), size - l4);
	assert_int_equal(load_be16(d + l4 + 6) != 0, checksum);
	assert_memory_equal(d + l4, super + l4, 4);
	assert_memory_equal(d + l4 + 8, super + l4 + 8, l3 - l4 - 8);
	if (checksum) {
		assert_valid(d, size, v6);
		return;
	}
	if (v6)
		assert_int_equal(load_be16(d + 4) + SHAPE_V6, size);
	else
		assert_int_equal(load_be16(d + 2), size);
	if (!v6)
		assert_int_equal(slow_sum(0, d, SHAPE_V4), 0xffff);
}

static void segments_in_vxlan_are_valid_in_both_layers(void **state)
{
	static uint8_t super[CAPACITY], segment[CAPACITY], whole[CAPACITY];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(split_cases) * 4; i++) {
		const struct shape *s = &split_cases[i / 4].shape;
		bool v6 = i & 1, checksum = i & 2;
		uint16_t mss = split_cases[i / 4].mss, k = 0;
		uint32_t l3 = (v6 ? SHAPE_V6 : SHAPE_V4) + (uint32_t)SHAPE_VXLAN, head = l3 + shape_header_bytes(s), at = 0, size;
		struct vnet_header h;
		struct split split;
		uint32_t n = make_tunnel(super, &h, s, mss, v6, checksum);

		memcpy(whole, super, n);
		assert_true(split_begin(&split, &h, super, n));
		for (; (size = split_size(&split)) > 0; k++) {
			segment[size] = 0xa5;
			split_next(&split, segment);
			assert_int_equal(segment[size], 0xa5);
			assert_tunnel_segment(segment, whole, size, v6, checksum, k);
			assert_valid(segment + l3, size - l3, s->v6);
			if (!s->v6)
				assert_int_equal(load_be16(segment + l3 + 4), (uint16_t)(s->id + k));
			if (!s->udp)
				assert_int_equal(load_be32(segment + l3 + (s->v6 ? SHAPE_V6 : SHAPE_V4) + 4), s->seq + at);
			assert_memory_equal(segment + head, whole + head + at, size - head);
			at += size - head;
		}
		assert_int_equal(at, s->payload);
		assert_memory_equal(super, whole, n);
	}
}

static void contradictory_tunnels_are_refused(void **state)
{
	static uint8_t p[CAPACITY];
	struct vnet_header good, h;
	struct split split;
	uint32_t n = make_tunnel(p, &good, &shape_plain, 50, false, true);

	(void)state;
	assert_true(split_begin(&split, &good, p, n));
	REFUSED(h.gso.gso_type |= GSO_TUNNEL);
	REFUSED(h.gso.gso_type ^= GSO_TUNNEL);
	REFUSED(h.gso.gso_type &= GSO_TUNNEL);
	REFUSED(h.gso.csum_start = 20);
	REFUSED(h.gso.csum_start++; h.inner_l3[0]++);
	REFUSED(h.outer_l4[0] = 0);
	REFUSED(h.outer_l4[0] = 24);
	REFUSED(h.outer_l4[1] = 1);
	REFUSED(h.inner_l3[0] = 27);
	REFUSED(h.inner_l3[0] = 52);
	REFUSED(h.inner_l3[1] = 1);
	REFUSED(h.inner_l3[0] = h.inner_l3[1] = h.outer_l4[0] = h.outer_l4[1] = 255);
	for (uint32_t less = 0; less <= 50 + SHAPE_V4 + 20; less++)
		assert_false(split_begin(&split, &good, p, less));
	p[0] = 0x46;
	assert_false(split_begin(&split, &good, p, n));
	p[0] = 0x45;
	p[9] = 6;
	assert_false(split_begin(&split, &good, p, n));
}

static void the_checksum_of_a_plain_packet_is_completed(void **state)
{
	uint8_t p[200], want[200];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (int udp = 0; udp < 2; udp++) {
			struct shape s = shape_plain;
			struct split split;
			s.v6 = v6;
			s.udp = udp;
			s.payload = 33;
			uint32_t n = shape_make(want, &s);
			memcpy(p, want, n);
			struct vnet_header h = super_header(p, &s, n, 0);
			h.gso.gso_type = VIRTIO_NET_HDR_GSO_NONE;
			assert_memory_not_equal(p, want, n);
			assert_true(split_begin(&split, &h, p, n));
			assert_int_equal(split.header_n, 0);
			assert_int_equal(split_size(&split), n);
			assert_memory_equal(p, want, n);
			h.gso.flags = 0; /* nothing to do */
			p[50] ^= 1;
			want[50] ^= 1;
			assert_true(split_begin(&split, &h, p, n));
			assert_memory_equal(p, want, n);
		}
	}
}

static void a_udp_checksum_is_never_zero(void **state)
{
	static uint8_t super[CAPACITY], segment[CAPACITY];
	struct shape s = shape_plain;
	bool seen = false;

	(void)state;
	s.udp = true;
	s.payload = 8;
	for (uint32_t x = 0; x <= 0xffff; x++) {
		struct split split;
		uint32_t n = shape_make(super, &s);
		store_be16(super + SHAPE_V4 + 8, (uint16_t)x);
		struct vnet_header h = super_header(super, &s, n, 4);
		assert_true(split_begin(&split, &h, super, n));
		split_next(&split, segment);
		assert_int_not_equal(load_be16(segment + SHAPE_V4 + 6), 0);
		seen |= load_be16(segment + SHAPE_V4 + 6) == 0xffff;
	}
	assert_true(seen);
}

static void contradictory_headers_are_refused(void **state)
{
	static uint8_t p[CAPACITY];
	struct shape s = shape_plain;
	uint32_t n = shape_make(p, &s);
	const struct vnet_header good = super_header(p, &s, n, 50);
	struct vnet_header h;
	struct split split;

	(void)state;
	assert_true(split_begin(&split, &good, p, n));
	REFUSED(h.gso.gso_size = 0);
	REFUSED(h.gso.gso_type = 77);
	REFUSED(h.gso.gso_type = VIRTIO_NET_HDR_GSO_UDP); /* fragments, not datagrams */
	REFUSED(h.gso.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	REFUSED(h.gso.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4; h.gso.csum_offset = 6);
	REFUSED(h.gso.flags = 0);
	REFUSED(h.gso.csum_start = 24);
	REFUSED(h.gso.csum_start = 8);
	REFUSED(h.gso.csum_start = 65535);
	REFUSED(h.gso.csum_offset = 6);
	REFUSED(h.gso.gso_type = VIRTIO_NET_HDR_GSO_NONE; h.gso.csum_start = (uint16_t)(n - 17));
	REFUSED(h.gso.gso_type = VIRTIO_NET_HDR_GSO_NONE; h.gso.csum_start = 65535; h.gso.csum_offset = 65535);
	for (uint32_t less = 0; less <= SHAPE_V4 + 20; less++)
		assert_false(split_begin(&split, &good, p, less));
	assert_false(split_begin(&split, &good, p, OFFLOAD_PACKET_MAX + 1));
	p[SHAPE_V4 + 12] = 0x40;
	assert_false(split_begin(&split, &good, p, n)); /* TCP header too short */
	p[SHAPE_V4 + 12] = 0xf0;
	assert_true(split_begin(&split, &good, p, n));
	p[0] = 0x65;
	assert_false(split_begin(&split, &good, p, n));
	p[0] = 0x44;
	assert_false(split_begin(&split, &good, p, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_agree_with_a_simple_sum),
		cmocka_unit_test(segments_are_valid_and_complete),
		cmocka_unit_test(segments_in_vxlan_are_valid_in_both_layers),
		cmocka_unit_test(contradictory_tunnels_are_refused),
		cmocka_unit_test(the_checksum_of_a_plain_packet_is_completed),
		cmocka_unit_test(a_udp_checksum_is_never_zero),
		cmocka_unit_test(contradictory_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
