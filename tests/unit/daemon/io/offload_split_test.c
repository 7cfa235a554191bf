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
static struct virtio_net_hdr super_header(uint8_t *p, const struct shape *s, uint32_t n, uint16_t mss)
{
	uint32_t l4 = s->v6 ? SHAPE_V6 : SHAPE_V4;
	struct virtio_net_hdr h = {
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
	store_be16(p + l4 + h.csum_offset, slow_sum(sum, p, 0));
	return h;
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
		struct virtio_net_hdr h = super_header(super, s, n, mss);
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
			struct virtio_net_hdr h = super_header(p, &s, n, 0);
			h.gso_type = VIRTIO_NET_HDR_GSO_NONE;
			assert_memory_not_equal(p, want, n);
			assert_true(split_begin(&split, &h, p, n));
			assert_int_equal(split.header_n, 0);
			assert_int_equal(split_size(&split), n);
			assert_memory_equal(p, want, n);
			h.flags = 0; /* nothing to do */
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
		struct virtio_net_hdr h = super_header(super, &s, n, 4);
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
	const struct virtio_net_hdr good = super_header(p, &s, n, 50);
	struct virtio_net_hdr h;
	struct split split;

	(void)state;
	assert_true(split_begin(&split, &good, p, n));
#define REFUSED(change) \
	do { \
		h = good; \
		change; \
		assert_false(split_begin(&split, &h, p, n)); \
	} while (0)
	REFUSED(h.gso_size = 0);
	REFUSED(h.gso_type = 77);
	REFUSED(h.gso_type = VIRTIO_NET_HDR_GSO_UDP); /* fragments, not datagrams */
	REFUSED(h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6);
	REFUSED(h.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4; h.csum_offset = 6);
	REFUSED(h.flags = 0);
	REFUSED(h.csum_start = 24);
	REFUSED(h.csum_start = 8);
	REFUSED(h.csum_start = 65535);
	REFUSED(h.csum_offset = 6);
	REFUSED(h.gso_type = VIRTIO_NET_HDR_GSO_NONE; h.csum_start = (uint16_t)(n - 17));
	REFUSED(h.gso_type = VIRTIO_NET_HDR_GSO_NONE; h.csum_start = 65535; h.csum_offset = 65535);
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
		cmocka_unit_test(the_checksum_of_a_plain_packet_is_completed),
		cmocka_unit_test(a_udp_checksum_is_never_zero),
		cmocka_unit_test(contradictory_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
