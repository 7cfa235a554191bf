/* Joining packets: a table of packets that may or may not be joined, and splitting random joined packets again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/offload.h"
#include "../../../lib/aborts.h"
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

static void begin(void)
{
	join_begin(&joint, JOIN_TCP | JOIN_UDP, NULL);
}

static void add(const struct shape *s)
{
	uint8_t *p = packets[joint.n];

	join_add(&joint, p, shape_make(p, s));
}

/* The packet after `shape_plain` in its flow, for both protocols. */
static const struct shape tcp2 = { .ttl = 64, .flags = 0x10, .df = true, .port = 443, .window = 500,
				   .seq = 1100, .ack = 77, .payload = 100, .id = 1 };
static const struct shape udp2 = { .udp = true, .ttl = 64, .df = true, .port = 443, .payload = 100 };

/* Two packets, the second being the next of the flow with one field changed: the number of frames. */
static const struct join_case {
	const char *name;
	size_t at, size;
	uint32_t value, frames;
	bool udp, v6;
} join_cases[] = {
#define FIELD(name) offsetof(struct shape, name), sizeof(((struct shape *)0)->name)
	{ "the next packet", FIELD(payload), 100, 1, false, false },
	{ "the next packet, IPv6", FIELD(payload), 100, 1, false, true },
	{ "a shorter payload", FIELD(payload), 99, 1, false, false },
	{ "a longer payload", FIELD(payload), 101, 2, false, false },
	{ "a gap", FIELD(seq), 1101, 2, false, false },
	{ "an overlap", FIELD(seq), 1099, 2, false, false },
	{ "an earlier sequence number", FIELD(seq), 900, 2, false, false },
	{ "PSH", FIELD(flags), 0x18, 1, false, false },
	{ "FIN", FIELD(flags), 0x11, 2, false, false },
	{ "URG", FIELD(flags), 0x30, 2, false, false },
	{ "ECE", FIELD(flags), 0x50, 2, false, false },
	{ "CWR", FIELD(flags), 0x90, 2, false, false },
	{ "no ACK", FIELD(flags), 0, 2, false, false },
	{ "no payload", FIELD(payload), 0, 2, false, false },
	{ "other TOS", FIELD(tos), 1, 2, false, false },
	{ "other traffic class", FIELD(tos), 1, 2, false, true },
	{ "other flow label", FIELD(flow), 1, 2, false, true },
	{ "other TTL", FIELD(ttl), 63, 2, false, false },
	{ "other hop limit", FIELD(ttl), 63, 2, false, true },
	{ "no DF", FIELD(df), false, 2, false, false },
	{ "other port", FIELD(port), 444, 2, false, false },
	{ "other window", FIELD(window), 501, 2, false, false },
	{ "other acknowledgement", FIELD(ack), 78, 2, false, false },
	{ "other options", FIELD(options), 12, 2, false, false },
	{ "UDP after TCP", FIELD(udp), true, 2, false, false },
	{ "UDP", FIELD(payload), 100, 1, true, false },
	{ "UDP, IPv6", FIELD(payload), 100, 1, true, true },
	{ "shorter UDP", FIELD(payload), 1, 1, true, false },
	{ "longer UDP", FIELD(payload), 101, 2, true, false },
	{ "empty UDP", FIELD(payload), 0, 2, true, false },
	{ "UDP, other TOS", FIELD(tos), 3, 2, true, false },
	{ "UDP, other TTL", FIELD(ttl), 1, 2, true, false },
	{ "UDP, other port", FIELD(port), 1, 2, true, false },
#undef FIELD
};

static void set_field(uint8_t *p, size_t size, uint32_t value)
{
	uint16_t half = (uint16_t)value;

	if (size == 1)
		*p = (uint8_t)value;
	else
		memcpy(p, size == 2 ? (const void *)&half : (const void *)&value, size);
}

static void only_packets_that_splitting_restores_are_joined(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(join_cases); i++) {
		const struct join_case *r = &join_cases[i];
		struct shape first = shape_plain, second = r->udp ? udp2 : tcp2;
		first.udp = r->udp;
		first.v6 = second.v6 = r->v6;
		set_field((uint8_t *)&second + r->at, r->size, r->value);
		begin();
		add(&first);
		add(&second);
		if (joint.n_items != r->frames)
			fail_msg("%s: %u frames", r->name, joint.n_items);
	}
}

static void identifications_matter_without_df(void **state)
{
	struct shape first = shape_plain, second = tcp2;

	(void)state;
	first.df = second.df = false;
	first.id = 65535;
	for (uint16_t id = 0; id < 3; id++) {
		begin();
		add(&first);
		second.id = id;
		add(&second);
		assert_int_equal(joint.n_items, id == 0 ? 1 : 2);
	}
}

static void disabled_protocols_are_not_joined(void **state)
{
	struct shape tcp = shape_plain;

	(void)state;
	for (unsigned int protocols = 0; protocols < 4; protocols++) {
		join_begin(&joint, protocols, NULL);
		add(&tcp);
		add(&tcp2);
		add(&udp2);
		add(&udp2);
		assert_int_equal(joint.n_items, 4 - !!(protocols & JOIN_TCP) - !!(protocols & JOIN_UDP));
	}
}

/* Flips every bit of either packet: a corrupted packet is not joined. */
static void corrupted_packets_are_not_joined(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct shape s = shape_plain, next;
		s.udp = kind & 1;
		s.v6 = kind & 2;
		next = s;
		next.seq += 100;
		uint32_t n = shape_header_bytes(&s) + s.payload;
		for (uint32_t bit = 0; bit < n * 8; bit++) {
			for (unsigned int which = 0; which < 2; which++) {
				/* No checksum covers some fields; these are compared with the other packet. */
				begin();
				shape_make(packets[0], &s);
				shape_make(packets[1], &next);
				packets[which][bit / 8] ^= (uint8_t)(1 << bit % 8);
				join_add(&joint, packets[0], n);
				join_add(&joint, packets[1], n);
				assert_int_equal(joint.n_items, 2);
			}
		}
	}
}

static void ipv4_datagrams_without_checksum_are_joined_with_their_like(void **state)
{
	struct shape s = udp2;

	(void)state;
	for (unsigned int without = 0; without < 8; without++) { /* a bit for each of two datagrams, and for IPv6 */
		s.v6 = without & 4;
		begin();
		for (unsigned int i = 0; i < 2; i++) {
			uint32_t n = shape_make(packets[i], &s);
			if (without & 1u << i)
				store_be16(packets[i] + (s.v6 ? SHAPE_V6 : SHAPE_V4) + 6, 0);
			join_add(&joint, packets[i], n);
		}
		assert_int_equal(joint.n_items, (without & 3) == 0 || without == 3 ? 1 : 2);
	}
}

static void fragments_options_and_trailing_bytes_are_not_joined(void **state)
{
	static const struct { size_t at; uint8_t value; } cases[] = {
		{ 6, 0x20 }, { 7, 1 }, { 6, 0x80 }, { 0, 0x46 }, { 9, 132 },
	};
	struct shape s = shape_plain, next = tcp2;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin();
		for (int k = 0; k < 2; k++) {
			uint32_t n = shape_make(packets[k], k ? &next : &s);
			packets[k][cases[i].at] = cases[i].value;
			store_be16(packets[k] + 10, 0);
			store_be16(packets[k] + 10, (uint16_t)~slow_sum(0, packets[k], SHAPE_V4));
			join_add(&joint, packets[k], n);
		}
		assert_int_equal(joint.n_items, 2);
	}
	begin(); /* bytes after the packet's own length */
	join_add(&joint, packets[0], shape_make(packets[0], &s) + 1);
	join_add(&joint, packets[1], shape_make(packets[1], &next) + 1);
	assert_int_equal(joint.n_items, 2);
	begin(); /* not an IP packet */
	join_add(&joint, packets[0], 0);
	join_add(&joint, packets[0], 1);
	assert_int_equal(joint.n_items, 2);
}

static void order_within_a_flow_is_kept(void **state)
{
	struct shape s = shape_plain, ack = shape_plain;

	(void)state;
	ack.payload = 0;
	ack.seq = 1100;
	begin();
	add(&s);
	add(&ack); /* later packets must not overtake it */
	s.seq = 1100;
	add(&s);
	s.seq = 1200;
	add(&s);
	assert_int_equal(joint.n_items, 3);
	assert_int_equal(joint.items[2].count, 2);
	begin();
	s = shape_plain;
	s.flags = 0x18;
	add(&s);
	s.seq = 1100;
	s.flags = 0x10;
	add(&s); /* PSH ended the first frame */
	assert_int_equal(joint.n_items, 2);
}

static void each_flow_is_joined_separately(void **state)
{
	struct shape s[8];

	(void)state;
	begin();
	for (uint16_t i = 0; i < 8; i++) {
		s[i] = shape_plain;
		s[i].port = (uint16_t)(1000 + i * 37);
	}
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 8; i++) {
			add(&s[i]);
			s[i].seq += 100;
		}
	assert_in_range(joint.n_items, 8, 60); /* flows whose hashes collide are joined less */
	uint32_t total = 0;
	for (uint32_t i = 0; i < joint.n_items; i++)
		total += joint.items[i].count;
	assert_int_equal(total, 160);
}

/* Copies frame i together as the TUN would receive it. */
static uint32_t gather(uint32_t i, struct vnet_header *h, uint8_t *out)
{
	static uint8_t header[JOIN_HEADER_MAX];
	struct iovec iov[JOIN_IOV_MAX];
	unsigned int n = join_frame(&joint, i, h, header, iov);
	uint32_t at = 0;

	assert_in_range(n, 2, JOIN_IOV_MAX);
	assert_ptr_equal(iov[0].iov_base, h);
	for (unsigned int k = 1; k < n; k++) {
		memcpy(out + at, iov[k].iov_base, iov[k].iov_len);
		at += (uint32_t)iov[k].iov_len;
	}
	return at;
}

static void splitting_restores_the_joined_packets(void **state)
{
	static uint8_t super[CAPACITY], segment[CAPACITY], before[JOIN_PACKETS_MAX][1600];

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct shape s = shape_plain;
		uint32_t n = 1 + random_number() % 60, largest = 1 + random_number() % 1300, i = 0;
		s.v6 = random_number() % 2;
		s.udp = random_number() % 2;
		s.tos = (uint8_t)(random_number() % 256);
		s.seq = random_number() << 8;
		s.id = (uint16_t)random_number();
		s.df = random_number() % 2;
		s.options = random_number() % 3 * 4;
		s.flow = random_number() % 0x100000;
		begin();
		for (uint32_t k = 0; k < n; k++) {
			s.payload = random_number() % 8 ? largest : 1 + random_number() % largest;
			s.fill = (uint8_t)random_number();
			s.flags = random_number() % 10 ? 0x10 : 0x18;
			add(&s);
			s.seq += s.payload;
			s.id++;
		}
		memcpy(before, packets, sizeof before);
		for (uint32_t f = 0; f < joint.n_items; f++) {
			struct vnet_header h;
			struct split split;
			uint32_t size = gather(f, &h, super);
			assert_int_equal(size, joint.items[f].total);
			assert_true(split_begin(&split, &h, super, size));
			for (; (size = split_size(&split)) > 0; i++) {
				split_next(&split, segment);
				assert_int_equal(size, joint.packets[i].n);
				assert_memory_equal(segment, before[i], size);
			}
		}
		assert_int_equal(i, n);
		assert_memory_equal(before, packets, sizeof before); /* joining changes no packet */
	}
}

static void super_packets_are_limited(void **state)
{
	struct shape s = shape_plain;

	(void)state;
	begin();
	s.payload = 1400;
	for (int i = 0; i < 200; i++) {
		add(&s);
		s.seq += 1400;
	}
	for (uint32_t i = 0; i < joint.n_items; i++)
		assert_in_range(joint.items[i].total, 1, OFFLOAD_PACKET_MAX);
	assert_int_equal(joint.items[0].count, (65535 - 40) / 1400);
	begin();
	s.udp = true;
	s.payload = 1;
	for (int i = 0; i < 200; i++)
		add(&s);
	assert_int_equal(joint.items[0].count, JOIN_DATAGRAMS_MAX);
	begin();
	s.udp = false;
	for (int i = 0; i < JOIN_PACKETS_MAX; i++) {
		add(&s);
		s.seq++;
	}
	assert_int_equal(joint.items[0].count, JOIN_SEGMENTS_MAX);
	assert_int_equal(joint.n_items, 2);
}

static void add_packet(void *ctx)
{
	(void)ctx;
	join_add(&joint, packets[0], 20);
}

static void more_packets_than_the_table_holds_abort(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < JOIN_PACKETS_MAX; i++)
		add_packet(NULL);
	assert_true(aborts(add_packet, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_packets_that_splitting_restores_are_joined),
		cmocka_unit_test(identifications_matter_without_df),
		cmocka_unit_test(disabled_protocols_are_not_joined),
		cmocka_unit_test(corrupted_packets_are_not_joined),
		cmocka_unit_test(ipv4_datagrams_without_checksum_are_joined_with_their_like),
		cmocka_unit_test(fragments_options_and_trailing_bytes_are_not_joined),
		cmocka_unit_test(order_within_a_flow_is_kept),
		cmocka_unit_test(each_flow_is_joined_separately),
		cmocka_unit_test(splitting_restores_the_joined_packets),
		cmocka_unit_test(super_packets_are_limited),
		cmocka_unit_test(more_packets_than_the_table_holds_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
