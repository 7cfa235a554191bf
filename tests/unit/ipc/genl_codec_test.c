/* The netlink codec: round trips with every message size, and malformed replies. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "ipc/genl_abi.h"
#include "ipc/genl_codec.h"

static uint32_t seed;

static uint32_t random_below(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(1 + random_below(255));
}

static void add_random_ip(struct wg_peer *peer)
{
	uint8_t b[16];
	struct ip_addr a;
	struct wg_allowedip *ip = peer_add_allowedip(peer);

	assert_non_null(ip);
	fill(b, sizeof b);
	a = random_below(2) ? ip_v4(b) : ip_v6(b);
	assert_true(prefix_make(&ip->prefix, &a, random_below(ip_bits(&a) + 1)));
}

static void random_peer(struct wg_device *d, uint32_t max_ips)
{
	struct wg_peer *peer = device_add_peer(d);
	uint8_t b[16];

	assert_non_null(peer);
	peer->flags = WG_PEER_HAS_PUBLIC_KEY;
	fill(peer->public_key.b, KEY_BYTES);
	if (random_below(2)) {
		fill(peer->psk.b, KEY_BYTES);
		peer->flags |= WG_PEER_HAS_PSK;
	}
	if (random_below(2)) {
		fill(b, sizeof b);
		peer->endpoint.addr = random_below(2) ? ip_v4(b) : ip_v6(b);
		peer->endpoint.port = (uint16_t)random_below(65536);
		peer->endpoint.scope = peer->endpoint.addr.family == IP_V6 ? random_below(5) : 0;
		peer->flags |= WG_PEER_HAS_ENDPOINT;
	}
	if (random_below(2)) {
		peer->keepalive_s = (uint16_t)random_below(65536);
		peer->flags |= WG_PEER_HAS_KEEPALIVE;
	}
	if (random_below(2))
		peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	for (uint32_t i = random_below(max_ips + 1); i > 0; i--)
		add_random_ip(peer);
}

static void random_device(struct wg_device *d, uint32_t peers, uint32_t max_ips)
{
	*d = (struct wg_device){ .name = "wg0", .fwmark = random_below(1u << 24), .listen_port = 51820 };
	d->flags = WG_DEVICE_HAS_PRIVATE_KEY | WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK |
		   WG_DEVICE_REPLACE_PEERS;
	fill(d->private_key.b, KEY_BYTES);
	for (uint32_t i = 0; i < peers; i++)
		random_peer(d, max_ips);
}

static void assert_same_peer(const struct wg_peer *a, const struct wg_peer *b)
{
	const uint32_t patch_only = WG_PEER_REPLACE_ALLOWEDIPS;

	assert_int_equal(a->flags & ~patch_only, b->flags);
	assert_memory_equal(a->public_key.b, b->public_key.b, KEY_BYTES);
	assert_memory_equal(a->psk.b, b->psk.b, KEY_BYTES);
	assert_true(endpoint_equal(&a->endpoint, &b->endpoint));
	assert_int_equal(a->keepalive_s, b->keepalive_s);
	assert_int_equal(a->n_allowedips, b->n_allowedips);
	for (uint32_t i = 0; i < a->n_allowedips; i++)
		assert_true(prefix_equal(&a->allowedips[i].prefix, &b->allowedips[i].prefix));
}

/* Decoding gives the encoded device for any message size. */
static void round_trip(uint32_t peers, uint32_t max_ips, size_t cap)
{
	uint8_t *message = malloc(cap);
	struct wg_device d, back = { 0 };
	struct genl_encoder e;
	size_t n, pieces = 0;

	random_device(&d, peers, max_ips);
	genl_encoder_init(&e, &d);
	while ((n = genl_encode(&e, message, cap)) > 0) {
		assert_true(n <= cap);
		assert_int_equal(genl_decode(&back, message, n), 0);
		pieces++;
	}
	assert_false(e.failed);
	assert_true(pieces > 0);
	assert_string_equal(back.name, "wg0");
	assert_int_equal(back.listen_port, d.listen_port);
	assert_int_equal(back.fwmark, d.fwmark);
	assert_memory_equal(back.private_key.b, d.private_key.b, KEY_BYTES);
	assert_int_equal(back.n_peers, d.n_peers);
	for (uint32_t i = 0; i < d.n_peers; i++)
		assert_same_peer(&d.peers[i], &back.peers[i]);
	device_free(&d);
	device_free(&back);
	free(message);
}

static void round_trips(void **state)
{
	(void)state;
	seed = 1;
	for (size_t cap = GENL_PAYLOAD_MIN; cap < GENL_PAYLOAD_MIN + 300; cap++)
		round_trip(random_below(6), 30, cap);
	for (int i = 0; i < 30; i++)
		round_trip(random_below(40), 100, GENL_PAYLOAD_MIN + random_below(GENL_PAYLOAD_MAX - GENL_PAYLOAD_MIN));
	round_trip(1, 70000, GENL_PAYLOAD_MAX);
	round_trip(2000, 4, GENL_PAYLOAD_MAX);
	round_trip(0, 0, GENL_PAYLOAD_MIN);
}

/* Finds the first attribute of this type. */
static bool find(struct genl_attr *out, const uint8_t *p, size_t n, uint16_t type)
{
	while (genl_attr_next(out, &p, &n))
		if (out->type == type)
			return true;
	return false;
}

static uint32_t flags_of(const struct genl_attr *nest, uint16_t type)
{
	struct genl_attr a;
	uint32_t v;

	if (!find(&a, nest->p, nest->n, type))
		return 0;
	assert_int_equal(a.n, sizeof v);
	memcpy(&v, a.p, sizeof v);
	return v;
}

/* A peer in several messages has REPLACE_ALLOWEDIPS once, and UPDATE_ONLY in each. */
static void flags_of_split_peers(void **state)
{
	uint8_t message[GENL_PAYLOAD_MIN];
	struct wg_device d = { .name = "wg0", .flags = WG_DEVICE_REPLACE_PEERS };
	struct genl_attr peers, peer;
	struct genl_encoder e;
	uint32_t flags;
	int pieces = 0;
	size_t n;

	(void)state;
	seed = 2;
	random_peer(&d, 0);
	d.peers[0].flags |= WG_PEER_UPDATE_ONLY | WG_PEER_REPLACE_ALLOWEDIPS;
	for (int i = 0; i < 100; i++)
		add_random_ip(&d.peers[0]);
	genl_encoder_init(&e, &d);
	for (; (n = genl_encode(&e, message, sizeof message)) > 0; pieces++) {
		struct genl_attr all = { .p = message, .n = n };

		assert_int_equal(flags_of(&all, DEVICE_FLAGS), pieces == 0 ? DEVICE_F_REPLACE_PEERS : 0);
		assert_true(find(&peers, message, n, DEVICE_PEERS));
		assert_true(find(&peer, peers.p, peers.n, 0));
		flags = flags_of(&peer, PEER_FLAGS);
		assert_int_equal(flags, pieces == 0 ? PEER_F_UPDATE_ONLY | PEER_F_REPLACE_ALLOWEDIPS
						    : PEER_F_UPDATE_ONLY);
	}
	assert_true(pieces > 5);
	device_free(&d);
}

/* A removed peer has only its key and a flag; a removed prefix has a flag. */
static void removals(void **state)
{
	uint8_t message[GENL_PAYLOAD_MIN];
	struct wg_device d = { .name = "wg0" };
	struct genl_attr peers, peer, ips, ip;
	struct genl_encoder e;
	const uint8_t *p;
	size_t n;

	(void)state;
	seed = 3;
	random_peer(&d, 0);
	d.peers[0].flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE | WG_PEER_HAS_PSK;
	add_random_ip(&d.peers[0]);
	random_peer(&d, 0);
	add_random_ip(&d.peers[1]);
	d.peers[1].allowedips[0].flags = WG_ALLOWEDIP_REMOVE;
	genl_encoder_init(&e, &d);
	n = genl_encode(&e, message, sizeof message);
	assert_true(find(&peers, message, n, DEVICE_PEERS));
	p = peers.p;
	n = peers.n;
	assert_true(genl_attr_next(&peer, &p, &n));
	assert_int_equal(flags_of(&peer, PEER_FLAGS), PEER_F_REMOVE_ME);
	assert_int_equal(peer.n, 36 + 8); /* the key and the flags */
	assert_true(genl_attr_next(&peer, &p, &n));
	assert_true(find(&ips, peer.p, peer.n, PEER_ALLOWEDIPS));
	assert_true(find(&ip, ips.p, ips.n, 0));
	assert_int_equal(flags_of(&ip, ALLOWEDIP_FLAGS), ALLOWEDIP_F_REMOVE_ME);
	assert_int_equal(genl_encode(&e, message, sizeof message), 0);
	device_free(&d);
}

/* A message with every setting, byte by byte (little endian). */
static void exact_bytes(void **state)
{
	static const uint8_t expected[] = {
		8, 0, 2, 0, 'w', 'g', '0', 0, /* IFNAME */
		6, 0, 6, 0, 0x6c, 0xca, 0, 0, /* LISTEN_PORT 51820 */
		8, 0, 7, 0, 0x34, 0x12, 0, 0, /* FWMARK */
		8, 0, 5, 0, 1, 0, 0, 0,       /* FLAGS: REPLACE_PEERS */
		112, 0, 8, 0x80,              /* PEERS, nested */
		108, 0, 0, 0x80,
		36, 0, 1, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
		7, 7, 7, 7, 7,
		8, 0, 3, 0, 2, 0, 0, 0,       /* FLAGS: REPLACE_ALLOWEDIPS */
		20, 0, 4, 0, 2, 0, 0xca, 0x6c, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, /* ENDPOINT */
		6, 0, 5, 0, 25, 0, 0, 0,      /* KEEPALIVE */
		32, 0, 9, 0x80, 28, 0, 0, 0x80,
		6, 0, 1, 0, 2, 0, 0, 0,       /* FAMILY */
		8, 0, 2, 0, 10, 0, 0, 0,      /* IPADDR */
		5, 0, 3, 0, 8, 0, 0, 0,       /* CIDR_MASK */
	};
	uint8_t message[GENL_PAYLOAD_MIN];
	struct wg_device d = { .name = "wg0", .listen_port = 51820, .fwmark = 0x1234 };
	struct wg_peer *peer = device_add_peer(&d);
	struct wg_allowedip *ip;
	struct genl_encoder e;

	(void)state;
	d.flags = WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK | WG_DEVICE_REPLACE_PEERS;
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_KEEPALIVE |
		      WG_PEER_REPLACE_ALLOWEDIPS;
	memset(peer->public_key.b, 7, KEY_BYTES);
	peer->keepalive_s = 25;
	assert_true(endpoint_parse(&peer->endpoint, span_of("192.0.2.1:51820"), NULL));
	ip = peer_add_allowedip(peer);
	assert_true(prefix_parse(&ip->prefix, span_of("10.0.0.0/8"), NULL));
	genl_encoder_init(&e, &d);
	assert_int_equal(genl_encode(&e, message, sizeof message), sizeof expected);
	assert_memory_equal(message, expected, sizeof expected);
	device_free(&d);
}

/* An address without a family is an error. */
static void addresses_need_a_family(void **state)
{
	uint8_t message[GENL_PAYLOAD_MIN];
	struct wg_device d = { .name = "wg0" };
	struct genl_encoder e;

	(void)state;
	assert_non_null(peer_add_allowedip(device_add_peer(&d)));
	genl_encoder_init(&e, &d);
	assert_int_equal(genl_encode(&e, message, sizeof message), 0);
	assert_true(e.failed);
	device_free(&d);
}

/* ---- decoding messages that present kernels do not send ---- */

struct bytes {
	uint8_t p[1024];
	size_t n;
};

static void put(struct bytes *b, uint16_t type, const void *value, size_t n)
{
	b->n += genl_attr_put(b->p + b->n, type, value, n);
}

static void put_nest(struct bytes *b, uint16_t type, const struct bytes *inner)
{
	put(b, type | ATTR_NESTED, inner->p, inner->n);
}

static const uint8_t key_a[KEY_BYTES] = { 1 }, key_b[KEY_BYTES] = { 2 };

static struct bytes peer_with_ip(const uint8_t key[KEY_BYTES], uint8_t last_byte)
{
	struct bytes ip = { .n = 0 }, ips = { .n = 0 }, peer = { .n = 0 };
	uint16_t family = AF_INET;
	uint8_t addr[4] = { 10, 0, 0, last_byte }, bits = 32;

	put(&ip, ALLOWEDIP_FAMILY, &family, 2);
	put(&ip, ALLOWEDIP_IPADDR, addr, 4);
	put(&ip, ALLOWEDIP_CIDR_MASK, &bits, 1);
	put_nest(&ips, 0, &ip);
	put(&peer, PEER_PUBLIC_KEY, key, KEY_BYTES);
	put_nest(&peer, PEER_ALLOWEDIPS, &ips);
	return peer;
}

static struct bytes message_of(const struct bytes *a, const struct bytes *b)
{
	struct bytes peers = { .n = 0 }, message = { .n = 0 };

	put_nest(&peers, 0, a);
	if (b)
		put_nest(&peers, 0, b);
	put_nest(&message, DEVICE_PEERS, &peers);
	return message;
}

/* Only the first peer of a message continues the last one of the message before. */
static void continued_peers(void **state)
{
	struct bytes a1 = peer_with_ip(key_a, 1), a2 = peer_with_ip(key_a, 2), b = peer_with_ip(key_b, 3);
	struct bytes first = message_of(&b, &a1), second = message_of(&a2, &b), third = message_of(&b, NULL);
	struct wg_device d = { 0 };

	(void)state;
	assert_int_equal(genl_decode(&d, first.p, first.n), 0);
	assert_int_equal(genl_decode(&d, second.p, second.n), 0);
	assert_int_equal(genl_decode(&d, third.p, third.n), 0);
	assert_int_equal(d.n_peers, 3);
	assert_int_equal(d.peers[0].n_allowedips, 1);
	assert_int_equal(d.peers[1].n_allowedips, 2);
	assert_int_equal(d.peers[1].allowedips[1].prefix.addr.b[3], 2);
	assert_int_equal(d.peers[2].n_allowedips, 2);
	device_free(&d);
}

static void unknown_and_short_attributes_are_skipped(void **state)
{
	struct bytes peer = peer_with_ip(key_a, 1), message;
	struct wg_device d = { 0 };
	uint64_t number = 7;

	(void)state;
	put(&peer, 777, &number, sizeof number);
	put(&peer, PEER_KEEPALIVE, &number, 3);
	put(&peer, PEER_ENDPOINT, &number, sizeof number);
	put(&peer, PEER_LAST_HANDSHAKE, &number, sizeof number);
	put(&peer, PEER_RX_BYTES, &number, 4);
	put(&peer, PEER_TX_BYTES, &number, sizeof number);
	message = message_of(&peer, NULL);
	put(&message, DEVICE_PRIVATE_KEY, &number, 8);
	put(&message, DEVICE_LISTEN_PORT, &number, 1);
	put(&message, DEVICE_IFNAME, "a name of twenty one.", 22);
	put(&message, 999, &number, 8);
	assert_int_equal(genl_decode(&d, message.p, message.n), 0);
	assert_int_equal(d.flags, 0);
	assert_int_equal(d.name[0], 0);
	assert_int_equal(d.peers[0].flags, WG_PEER_HAS_PUBLIC_KEY);
	assert_int_equal(d.peers[0].rx_bytes, 0);
	assert_int_equal(d.peers[0].tx_bytes, 7);
	device_free(&d);
}

static int decode_once(const struct bytes *message)
{
	struct wg_device d = { 0 };
	uint8_t *exact = malloc(message->n); /* so that sanitizers detect reading past the end */
	int rc;

	memcpy(exact, message->p, message->n);
	rc = genl_decode(&d, exact, message->n);
	device_free(&d);
	free(exact);
	return rc;
}

static void malformed_messages_are_errors(void **state)
{
	struct bytes no_key = { .n = 0 }, peer = peer_with_ip(key_a, 1), whole = message_of(&peer, NULL), cut;
	size_t bits_at;

	(void)state;
	put(&no_key, PEER_RX_BYTES, "12345678", 8);
	cut = message_of(&no_key, NULL);
	assert_int_equal(decode_once(&cut), -EPROTO);
	assert_int_equal(decode_once(&whole), 0);
	bits_at = whole.n - 4;
	whole.p[bits_at] = 33;
	assert_int_equal(decode_once(&whole), -EPROTO);
	whole.p[bits_at] = 32;
	for (size_t n = 1; n < whole.n; n++) { /* truncated at every byte */
		cut = whole;
		cut.n = n;
		assert_int_equal(decode_once(&cut), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(flags_of_split_peers),
		cmocka_unit_test(removals),
		cmocka_unit_test(exact_bytes),
		cmocka_unit_test(addresses_need_a_family),
		cmocka_unit_test(continued_peers),
		cmocka_unit_test(unknown_and_short_attributes_are_skipped),
		cmocka_unit_test(malformed_messages_are_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
