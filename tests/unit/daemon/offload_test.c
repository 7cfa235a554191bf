/* Cutting and joining super-packets: checksums against a slow sum, each rule by a table row, and back and
 * forth with random shapes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "../../../src/daemon/offload.h"

enum { V4 = 20, V6 = 40, ROOM = 70000 };

static uint32_t seed = 1;

static uint32_t chance(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* RFC 1071 as it is written. */
static uint16_t slow_sum(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t slow_l4_sum(const uint8_t *p, size_t n, bool v6)
{
	size_t l4 = v6 ? V6 : V4;
	uint32_t sum = (uint32_t)(n - l4) + (v6 ? p[6] : p[9]);

	sum += slow_sum(0, v6 ? p + 8 : p + 12, v6 ? 32 : 8);
	return slow_sum(sum, p + l4, n - l4);
}

struct shape {
	bool v6, udp;
	uint8_t tos, ttl, flags;
	bool df;
	uint16_t id, port, window;
	uint32_t seq, ack, flow;
	uint32_t options; /* bytes of TCP options */
	uint32_t payload;
	uint8_t fill;
};

static const struct shape plain = { .ttl = 64, .flags = 0x10, .df = true, .port = 443, .window = 500,
				    .seq = 1000, .ack = 77, .payload = 100, .fill = 'a' };

static uint32_t header_bytes(const struct shape *s)
{
	return (s->v6 ? V6 : V4) + (s->udp ? 8 : 20 + s->options);
}

static void put_ip(uint8_t *p, const struct shape *s, uint32_t n)
{
	memset(p, 0, s->v6 ? V6 : V4);
	if (s->v6) {
		store_be32(p, 6u << 28 | (uint32_t)s->tos << 20 | s->flow);
		store_be16(p + 4, (uint16_t)(n - V6));
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
	store_be16(p + 10, (uint16_t)~slow_sum(0, p, V4));
}

/* A right packet of that shape; returns its size. */
static uint32_t make(uint8_t *p, const struct shape *s)
{
	uint32_t l4 = s->v6 ? V6 : V4, n = header_bytes(s) + s->payload;
	uint8_t *t = p + l4;

	put_ip(p, s, n);
	memset(t, 0, 20 + s->options);
	store_be16(t, 5000);
	store_be16(t + 2, s->port);
	for (uint32_t i = 0; i < s->payload; i++)
		p[header_bytes(s) + i] = (uint8_t)(s->fill + i * 7);
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

/* What the kernel's header would say of a super-packet like this one, whose checksum becomes partial. */
static struct virtio_net_hdr super_header(uint8_t *p, const struct shape *s, uint32_t n, uint16_t mss)
{
	uint32_t l4 = s->v6 ? V6 : V4;
	struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = s->udp ? VIRTIO_NET_HDR_GSO_UDP_L4 :
			    s->v6  ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = mss,
		.hdr_len = (uint16_t)header_bytes(s),
		.csum_start = (uint16_t)l4,
		.csum_offset = s->udp ? 6 : 16,
	};
	uint32_t sum = n - l4 + (s->udp ? 17u : 6u);

	sum += slow_sum(0, s->v6 ? p + 8 : p + 12, s->v6 ? 32 : 8);
	store_be16(p + l4 + h.csum_offset, slow_sum(sum, p, 0));
	return h;
}

static void assert_right(const uint8_t *p, uint32_t n, bool v6)
{
	if (!v6) {
		assert_int_equal(slow_sum(0, p, V4), 0xffff);
		assert_int_equal(load_be16(p + 2), n);
	} else {
		assert_int_equal(load_be16(p + 4) + V6, n);
	}
	assert_int_equal(slow_l4_sum(p, n, v6), 0xffff);
}

/* ---- sums ---- */

static void sum_equals_the_slow_one(void **state)
{
	uint8_t bytes[400];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t n = chance() % sizeof bytes, from = chance() % 8;
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = round % 3 ? (uint8_t)chance() : 0xff;
		if (from > n)
			from = n;
		uint16_t fast = sum_fold(sum_bytes(0, bytes + from, n - from));
		uint8_t as_bytes[2];
		memcpy(as_bytes, &fast, 2);
		assert_int_equal(load_be16(as_bytes) % 0xffff,
				 slow_sum(0, bytes + from, n - from) % 0xffff);
	}
}

/* ---- split ---- */

static const struct split_row {
	struct shape shape;
	uint16_t mss;
} split_rows[] = {
	{ { .ttl = 64, .flags = 0x18, .df = true, .id = 65534, .payload = 4000, .seq = 0xfffffc00 }, 1360 },
	{ { .ttl = 64, .flags = 0x10, .payload = 2720, .options = 12 }, 1360 },
	{ { .ttl = 64, .flags = 0xd9, .payload = 1001, .options = 40 }, 500 },
	{ { .v6 = true, .ttl = 64, .flags = 0x18, .payload = 60000, .flow = 0x12345, .tos = 2 }, 1340 },
	{ { .udp = true, .ttl = 9, .payload = 5001, .tos = 0xb8 }, 1200 },
	{ { .v6 = true, .udp = true, .ttl = 9, .payload = 2400 }, 1200 },
	{ { .udp = true, .ttl = 9, .payload = 63 }, 1 },
	{ { .ttl = 64, .flags = 0x10, .payload = 10 }, 1360 },
};

static void segments_are_right_and_complete(void **state)
{
	static uint8_t super[ROOM], segment[ROOM], whole[ROOM];

	(void)state;
	for (size_t row = 0; row < ARRAY_LEN(split_rows); row++) {
		const struct shape *s = &split_rows[row].shape;
		uint16_t mss = split_rows[row].mss;
		uint32_t n = make(super, s), head = header_bytes(s), l4 = s->v6 ? V6 : V4, at = 0, size;
		struct virtio_net_hdr h = super_header(super, s, n, mss);
		struct split cut;
		uint16_t count = 0;

		memcpy(whole, super, n);
		assert_true(split_begin(&cut, &h, super, n));
		while ((size = split_size(&cut)) > 0) {
			segment[size] = 0xa5;
			split_next(&cut, segment);
			assert_int_equal(segment[size], 0xa5);
			assert_right(segment, size, s->v6);
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

static void a_plain_packet_gets_its_checksum(void **state)
{
	uint8_t p[200], want[200];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (int udp = 0; udp < 2; udp++) {
			struct shape s = plain;
			struct split cut;
			s.v6 = v6;
			s.udp = udp;
			s.payload = 33;
			uint32_t n = make(want, &s);
			memcpy(p, want, n);
			struct virtio_net_hdr h = super_header(p, &s, n, 0);
			h.gso_type = VIRTIO_NET_HDR_GSO_NONE;
			assert_memory_not_equal(p, want, n);
			assert_true(split_begin(&cut, &h, p, n));
			assert_int_equal(cut.header_n, 0);
			assert_int_equal(split_size(&cut), n);
			assert_memory_equal(p, want, n);
			h.flags = 0; /* nothing to do */
			p[50] ^= 1;
			want[50] ^= 1;
			assert_true(split_begin(&cut, &h, p, n));
			assert_memory_equal(p, want, n);
		}
	}
}

static void a_udp_checksum_is_never_zero(void **state)
{
	static uint8_t super[ROOM], segment[ROOM];
	struct shape s = plain;
	bool seen = false;

	(void)state;
	s.udp = true;
	s.payload = 8;
	for (uint32_t x = 0; x <= 0xffff; x++) {
		struct split cut;
		uint32_t n = make(super, &s);
		store_be16(super + V4 + 8, (uint16_t)x);
		struct virtio_net_hdr h = super_header(super, &s, n, 4);
		assert_true(split_begin(&cut, &h, super, n));
		split_next(&cut, segment);
		assert_int_not_equal(load_be16(segment + V4 + 6), 0);
		seen |= load_be16(segment + V4 + 6) == 0xffff;
	}
	assert_true(seen);
}

static void lying_headers_are_refused(void **state)
{
	static uint8_t p[ROOM];
	struct shape s = plain;
	uint32_t n = make(p, &s);
	const struct virtio_net_hdr good = super_header(p, &s, n, 50);
	struct virtio_net_hdr h;
	struct split cut;

	(void)state;
	assert_true(split_begin(&cut, &good, p, n));
#define REFUSED(change) \
	do { \
		h = good; \
		change; \
		assert_false(split_begin(&cut, &h, p, n)); \
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
	for (uint32_t less = 0; less <= V4 + 20; less++)
		assert_false(split_begin(&cut, &good, p, less));
	assert_false(split_begin(&cut, &good, p, OFFLOAD_PACKET_MAX + 1));
	p[V4 + 12] = 0x40;
	assert_false(split_begin(&cut, &good, p, n)); /* TCP header too short */
	p[V4 + 12] = 0xf0;
	assert_true(split_begin(&cut, &good, p, n));
	p[0] = 0x65;
	assert_false(split_begin(&cut, &good, p, n));
	p[0] = 0x44;
	assert_false(split_begin(&cut, &good, p, n));
}

/* ---- join ---- */

static struct join joint;
static uint8_t packets[JOIN_PACKETS_MAX][1600];

static void begin(void)
{
	join_begin(&joint, JOIN_TCP | JOIN_UDP);
}

static void add(const struct shape *s)
{
	uint8_t *p = packets[joint.n];

	join_add(&joint, p, make(p, s));
}

/* What follows `plain`, in the two protocols. */
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
		struct shape first = plain, second = r->udp ? udp2 : tcp2;
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
	struct shape first = plain, second = tcp2;

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
	struct shape tcp = plain;

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
		struct shape s = plain, next;
		s.udp = kind & 1;
		s.v6 = kind & 2;
		next = s;
		next.seq += 100;
		uint32_t n = header_bytes(&s) + s.payload;
		for (uint32_t bit = 0; bit < n * 8; bit++) {
			for (unsigned int which = 0; which < 2; which++) {
				/* Fields that no checksum covers are compared with the other packet. */
				begin();
				make(packets[0], &s);
				make(packets[1], &next);
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
		uint32_t n = make(packets[i], &s);
		store_be16(packets[i] + V4 + 6, 0); /* allowed in IPv4: nothing to verify by */
		join_add(&joint, packets[i], n);
	}
	assert_int_equal(joint.n_items, 2);
}

static void fragments_options_and_tails_stay_alone(void **state)
{
	static const struct { size_t at; uint8_t value; } rows[] = {
		{ 6, 0x20 }, { 7, 1 }, { 6, 0x80 }, { 0, 0x46 }, { 9, 132 },
	};
	struct shape s = plain, next = tcp2;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		for (int k = 0; k < 2; k++) {
			uint32_t n = make(packets[k], k ? &next : &s);
			packets[k][rows[i].at] = rows[i].value;
			store_be16(packets[k] + 10, 0);
			store_be16(packets[k] + 10, (uint16_t)~slow_sum(0, packets[k], V4));
			join_add(&joint, packets[k], n);
		}
		assert_int_equal(joint.n_items, 2);
	}
	begin(); /* bytes after the packet's own length */
	join_add(&joint, packets[0], make(packets[0], &s) + 1);
	join_add(&joint, packets[1], make(packets[1], &next) + 1);
	assert_int_equal(joint.n_items, 2);
	begin(); /* no packet at all */
	join_add(&joint, packets[0], 0);
	join_add(&joint, packets[0], 1);
	assert_int_equal(joint.n_items, 2);
}

static void order_within_a_flow_is_kept(void **state)
{
	struct shape s = plain, ack = plain;

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
	s = plain;
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
		s[i] = plain;
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
		struct shape s = plain;
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
	struct shape s = plain;

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
		cmocka_unit_test(sum_equals_the_slow_one),
		cmocka_unit_test(segments_are_right_and_complete),
		cmocka_unit_test(a_plain_packet_gets_its_checksum),
		cmocka_unit_test(a_udp_checksum_is_never_zero),
		cmocka_unit_test(lying_headers_are_refused),
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
