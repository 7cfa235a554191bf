/* Joining packets: each rule by a table row, and there and back with random shapes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/offload.h"
#include "../../../lib/packet_shape.h"

enum { ROOM = 70000 };

static uint32_t seed = 1;

static uint32_t chance(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static struct join joint;
static uint8_t packets[JOIN_PACKETS_MAX][1600];

static void begin(void)
{
	join_begin(&joint, JOIN_TCP | JOIN_UDP);
}

static void add(const struct shape *s)
{
	uint8_t *p = packets[joint.n];

	join_add(&joint, p, shape_make(p, s));
}

/* What follows `shape_plain`, in the two protocols. */
static const struct shape tcp2 = { .ttl = 64, .flags = 0x10, .df = true, .port = 443, .window = 500,
				   .seq = 1100, .ack = 77, .payload = 100, .id = 1 };
static const struct shape udp2 = { .udp = true, .ttl = 64, .df = true, .port = 443, .payload = 100 };

/* Two packets: the second is what follows, with one field changed. How many frames come out? */
static const struct join_row {
	const char *what;
	size_t at, size;
	uint32_t value, frames;
	bool udp, v6;
} join_rows[] = {
#define FIELD(name) offsetof(struct shape, name), sizeof(((struct shape *)0)->name)
	{ "what follows", FIELD(payload), 100, 1, false, false },
	{ "what follows, IPv6", FIELD(payload), 100, 1, false, true },
	{ "a shorter one", FIELD(payload), 99, 1, false, false },
	{ "a longer one", FIELD(payload), 101, 2, false, false },
	{ "a gap", FIELD(seq), 1101, 2, false, false },
	{ "an overlap", FIELD(seq), 1099, 2, false, false },
	{ "what comes before", FIELD(seq), 900, 2, false, false },
	{ "a push", FIELD(flags), 0x18, 1, false, false },
	{ "an end", FIELD(flags), 0x11, 2, false, false },
	{ "urgent", FIELD(flags), 0x30, 2, false, false },
	{ "congestion echo", FIELD(flags), 0x50, 2, false, false },
	{ "window reduced", FIELD(flags), 0x90, 2, false, false },
	{ "no acknowledgement", FIELD(flags), 0, 2, false, false },
	{ "no payload", FIELD(payload), 0, 2, false, false },
	{ "other TOS", FIELD(tos), 1, 2, false, false },
	{ "other class", FIELD(tos), 1, 2, false, true },
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

static void only_what_can_be_cut_again_is_joined(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(join_rows); i++) {
		const struct join_row *r = &join_rows[i];
		struct shape first = shape_plain, second = r->udp ? udp2 : tcp2;
		first.udp = r->udp;
		first.v6 = second.v6 = r->v6;
		set_field((uint8_t *)&second + r->at, r->size, r->value);
		begin();
		add(&first);
		add(&second);
		if (joint.n_items != r->frames)
			fail_msg("%s: %u frames", r->what, joint.n_items);
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

static void what_is_off_is_not_joined(void **state)
{
	struct shape tcp = shape_plain;

	(void)state;
	for (unsigned int what = 0; what < 4; what++) {
		join_begin(&joint, what);
		add(&tcp);
		add(&tcp2);
		add(&udp2);
		add(&udp2);
		assert_int_equal(joint.n_items, 4 - !!(what & JOIN_TCP) - !!(what & JOIN_UDP));
	}
}

/* Every bit of the headers and some of the payload of either packet: a wrong packet stays alone. */
static void nothing_broken_is_joined(void **state)
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
				/* Fields that no checksum covers are compared with the other packet. */
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

static void no_checksum_is_not_joined(void **state)
{
	struct shape s = udp2;

	(void)state;
	begin();
	for (int i = 0; i < 2; i++) {
		uint32_t n = shape_make(packets[i], &s);
		store_be16(packets[i] + SHAPE_V4 + 6, 0); /* allowed in IPv4: nothing to verify by */
		join_add(&joint, packets[i], n);
	}
	assert_int_equal(joint.n_items, 2);
}

static void fragments_options_and_tails_stay_alone(void **state)
{
	static const struct { size_t at; uint8_t value; } rows[] = {
		{ 6, 0x20 }, { 7, 1 }, { 6, 0x80 }, { 0, 0x46 }, { 9, 132 },
	};
	struct shape s = shape_plain, next = tcp2;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		for (int k = 0; k < 2; k++) {
			uint32_t n = shape_make(packets[k], k ? &next : &s);
			packets[k][rows[i].at] = rows[i].value;
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
	begin(); /* no packet at all */
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
	add(&ack); /* what comes later must not pass it */
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
	add(&s); /* a push was the end of the first */
	assert_int_equal(joint.n_items, 2);
}

static void flows_are_told_apart(void **state)
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
	assert_in_range(joint.n_items, 8, 60); /* two flows may share a slot; nothing else is lost */
	uint32_t total = 0;
	for (uint32_t i = 0; i < joint.n_items; i++)
		total += joint.items[i].count;
	assert_int_equal(total, 160);
}

/* Puts frame i together as TUN would get it. */
static uint32_t gather(uint32_t i, struct virtio_net_hdr *h, uint8_t *out)
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

/* Joined and cut again, the packets are what they were. */
static void there_and_back(void **state)
{
	static uint8_t super[ROOM], segment[ROOM], before[JOIN_PACKETS_MAX][1600];

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct shape s = shape_plain;
		uint32_t n = 1 + chance() % 60, largest = 1 + chance() % 1300, i = 0;
		s.v6 = chance() % 2;
		s.udp = chance() % 2;
		s.tos = (uint8_t)(chance() % 256);
		s.seq = chance() << 8;
		s.id = (uint16_t)chance();
		s.df = chance() % 2;
		s.options = chance() % 3 * 4;
		s.flow = chance() % 0x100000;
		begin();
		for (uint32_t k = 0; k < n; k++) {
			s.payload = chance() % 8 ? largest : 1 + chance() % largest;
			s.fill = (uint8_t)chance();
			s.flags = chance() % 10 ? 0x10 : 0x18;
			add(&s);
			s.seq += s.payload;
			s.id++;
		}
		memcpy(before, packets, sizeof before);
		for (uint32_t f = 0; f < joint.n_items; f++) {
			struct virtio_net_hdr h;
			struct split cut;
			uint32_t size = gather(f, &h, super);
			assert_int_equal(size, joint.items[f].total);
			assert_true(split_begin(&cut, &h, super, size));
			for (; (size = split_size(&cut)) > 0; i++) {
				split_next(&cut, segment);
				assert_int_equal(size, joint.packets[i].n);
				assert_memory_equal(segment, before[i], size);
			}
		}
		assert_int_equal(i, n);
		assert_memory_equal(before, packets, sizeof before); /* originals are left alone */
	}
}

static void a_super_packet_has_an_end(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_can_be_cut_again_is_joined),
		cmocka_unit_test(identifications_matter_without_df),
		cmocka_unit_test(what_is_off_is_not_joined),
		cmocka_unit_test(nothing_broken_is_joined),
		cmocka_unit_test(no_checksum_is_not_joined),
		cmocka_unit_test(fragments_options_and_tails_stay_alone),
		cmocka_unit_test(order_within_a_flow_is_kept),
		cmocka_unit_test(flows_are_told_apart),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(a_super_packet_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
