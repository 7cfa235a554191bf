/* Joining TCP in VXLAN: a table of packets that may or may not be joined, and splitting random joined packets again. */
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

static struct join joint;
static uint8_t packets[JOIN_PACKETS_MAX][1600];
static const struct tunnel_ports ports = { { 0, 8472, 4789, 4789 + TUNNEL_PORT_V6 } };
static const struct shape outer_plain = { .udp = true, .ttl = 64, .port = 4789, .id = 7 };

static void begin(void)
{
	join_begin(&joint, JOIN_TCP | JOIN_UDP | JOIN_VXLAN, &ports);
}

static void add(const struct shape *outer, const struct shape *inner, bool checksum)
{
	uint8_t *p = packets[joint.n];

	join_add(&joint, p, shape_make_vxlan(p, outer, inner, checksum));
}

static struct shape next_of(const struct shape *s)
{
	struct shape next = *s;

	next.seq += s->payload;
	next.id++;
	return next;
}

static void only_packets_of_one_inner_flow_and_one_outer_header_are_joined(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 8; kind++) {
		for (int change = 0; change < 12; change++) {
			struct shape o = outer_plain, i = shape_plain;
			bool checksum = kind & 4;
			o.v6 = kind & 1;
			i.v6 = kind & 2;
			begin();
			add(&o, &i, checksum);
			o = next_of(&o);
			i = next_of(&i);
			switch (change) {
			case 1: o.tos = 1; break;
			case 2: o.ttl = 63; break;
			case 3: o.port = 8472; break;
			case 4: checksum = !checksum; break;
			case 5: i.tos = 1; break;
			case 6: i.ttl = 63; break;
			case 7: i.port++; break;
			case 8: i.seq++; break;
			case 9: i.window++; break;
			case 10: i.flags |= 1; break;
			case 11: i.payload++; break;
			}
			add(&o, &i, checksum);
			if (joint.n_items != (change ? 2 : 1))
				fail_msg("kind %u, change %d: %u frames", kind, change, joint.n_items);
			assert_int_equal(joint.items[0].outer_l4, kind & 1 ? SHAPE_V6 : SHAPE_V4);
		}
	}
}

static void identifications_of_both_layers_matter_without_df(void **state)
{
	(void)state;
	for (unsigned int jump = 0; jump < 16; jump++) { /* bits: of the outer, of the inner; DF of the outer, of the inner */
		struct shape o = outer_plain, i = shape_plain;
		o.df = jump & 4;
		i.df = jump & 8;
		begin();
		add(&o, &i, true);
		o = next_of(&o);
		i = next_of(&i);
		o.id = (uint16_t)(o.id + (jump & 1));
		i.id = (uint16_t)(i.id + (jump >> 1 & 1));
		add(&o, &i, true);
		assert_int_equal(joint.n_items, ((jump & 1) && !o.df) || ((jump & 2) && !i.df) ? 2 : 1);
	}
}

/* Another socket may receive them, which would take a joined packet for one datagram. */
static void packets_to_ports_without_a_device_are_joined_as_udp_at_most(void **state)
{
	static const struct { uint16_t port; bool v6, joined; } cases[] = {
		{ 4789, false, true }, { 4789, true, true }, { 8472, false, true }, { 8472, true, false },
		{ 4790, false, false }, { 0, false, false }, { 0, true, false },
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct shape o = outer_plain, i = shape_plain;
		o.port = cases[k].port;
		o.v6 = cases[k].v6;
		begin();
		add(&o, &i, true);
		o = next_of(&o);
		i = next_of(&i);
		add(&o, &i, true);
		assert_int_equal(joint.n_items, 1);
		assert_int_equal(joint.items[0].protocol, cases[k].joined ? 6 : 17);
		assert_int_equal(joint.items[0].outer_l4 != 0, cases[k].joined);
	}
}

/* Flips every bit of either packet: no such packet is joined with the other one. */
static void corrupted_packets_are_not_joined(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 8; kind++) {
		struct shape o = outer_plain, i = shape_plain;
		o.v6 = kind & 1;
		i.v6 = kind & 2;
		const struct shape next_o = next_of(&o), next_i = next_of(&i);
		uint32_t n = shape_make_vxlan(packets[0], &o, &i, kind & 4);
		for (uint32_t bit = 0; bit < n * 16; bit++) {
			begin();
			shape_make_vxlan(packets[0], &o, &i, kind & 4);
			shape_make_vxlan(packets[1], &next_o, &next_i, kind & 4);
			packets[bit & 1][bit / 16] ^= (uint8_t)(1 << bit / 2 % 8);
			join_add(&joint, packets[0], n);
			join_add(&joint, packets[1], n);
			if (joint.n_items != 2)
				fail_msg("kind %u, packet %u, byte %u", kind, bit & 1, bit / 16);
		}
	}
}

static void short_packets_are_not_read_beyond_their_end(void **state)
{
	uint8_t whole[400];
	uint32_t n = shape_make_vxlan(whole, &outer_plain, &shape_plain, false);

	(void)state;
	for (uint32_t size = 0; size < n; size++) { /* exact, so that a sanitizer sees the end */
		uint8_t *p = malloc(size + 1);
		memcpy(p, whole, size);
		if (size >= SHAPE_V4 + 8) {
			store_be16(p + 2, (uint16_t)size);
			store_be16(p + SHAPE_V4 + 4, (uint16_t)(size - SHAPE_V4));
		}
		p = realloc(p, size ? size : 1);
		begin();
		join_add(&joint, p, size);
		assert_int_equal(joint.n_items, 1);
		assert_int_equal(joint.items[0].count, 1);
		free(p);
	}
}

static void order_within_an_inner_flow_is_kept(void **state)
{
	struct shape o = outer_plain, i = shape_plain, fin;

	(void)state;
	begin();
	add(&o, &i, false);
	o = next_of(&o);
	i = next_of(&i);
	fin = i;
	fin.flags |= 1;
	add(&o, &fin, false);
	add(&o, &i, false); /* must not overtake it */
	assert_int_equal(joint.n_items, 3);
}

static uint32_t gather(uint32_t i, struct vnet_header *h, uint8_t *out)
{
	static uint8_t header[JOIN_HEADER_MAX];
	struct iovec iov[JOIN_IOV_MAX];
	unsigned int n = join_frame(&joint, i, h, header, iov);
	uint32_t at = 0;

	for (unsigned int k = 1; k < n; k++) {
		memcpy(out + at, iov[k].iov_base, iov[k].iov_len);
		at += (uint32_t)iov[k].iov_len;
	}
	return at;
}

static void splitting_restores_the_joined_packets(void **state)
{
	static uint8_t super[CAPACITY], segment[CAPACITY], before[JOIN_PACKETS_MAX][1600];
	unsigned int joined = 0;

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct shape o = outer_plain, s = shape_plain;
		uint32_t n = 1 + random_number() % 60, largest = 1 + random_number() % 1200, i = 0;
		bool checksum = random_number() % 2;
		o.v6 = random_number() % 2;
		o.df = random_number() % 2;
		o.id = (uint16_t)random_number();
		s.v6 = random_number() % 2;
		s.seq = random_number() << 8;
		s.id = (uint16_t)random_number();
		s.df = random_number() % 2;
		s.options = random_number() % 3 * 4;
		begin();
		for (uint32_t k = 0; k < n; k++) {
			s.payload = random_number() % 8 ? largest : 1 + random_number() % largest;
			s.fill = (uint8_t)random_number();
			s.flags = random_number() % 10 ? 0x10 : 0x18;
			add(&o, &s, checksum);
			o = next_of(&o);
			s = next_of(&s);
		}
		memcpy(before, packets, sizeof before);
		for (uint32_t f = 0; f < joint.n_items; f++) {
			struct vnet_header h;
			struct split split;
			uint32_t size = gather(f, &h, super);
			joined += joint.items[f].count > 1;
			assert_int_equal(size, joint.items[f].total);
			assert_true(split_begin(&split, &h, super, size));
			for (; (size = split_size(&split)) > 0; i++) {
				split_next(&split, segment);
				assert_int_equal(size, joint.packets[i].n);
				assert_memory_equal(segment, before[i], size);
			}
		}
		assert_int_equal(i, n);
	}
	assert_in_range(joined, 600, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_packets_of_one_inner_flow_and_one_outer_header_are_joined),
		cmocka_unit_test(identifications_of_both_layers_matter_without_df),
		cmocka_unit_test(packets_to_ports_without_a_device_are_joined_as_udp_at_most),
		cmocka_unit_test(corrupted_packets_are_not_joined),
		cmocka_unit_test(short_packets_are_not_read_beyond_their_end),
		cmocka_unit_test(order_within_an_inner_flow_is_kept),
		cmocka_unit_test(splitting_restores_the_joined_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
