/* The tunnel through its public header: configuration, batches, verdicts and counters. The simulator
 * (tests/sim) tests the protocol over time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "proto/tunnel_state.h"
#include "../../lib/tunnel_pair.h"

static void ping_both_ways(struct pair *p)
{
	uint8_t ping[84];

	for (int from = 0; from < 2; from++) {
		pair_clear(p);
		pair_ipv4(ping, sizeof ping, from);
		assert_int_equal(pair_tun(p, from, ping, sizeof ping).drop, WG_DROP_NONE);
		pair_exchange(p);
		assert_int_equal(p->side[!from].got->n, 1);
		assert_int_equal(p->side[!from].got->packets[0].n, sizeof ping);
		assert_memory_equal(p->side[!from].got->packets[0].bytes, ping, sizeof ping);
	}
}

static void test_byte_counts_of_two_pings(void **state)
{
	struct pair *p = pair_new(1);

	(void)state;
	ping_both_ways(p);
	ping_both_ways(p);
	/* 148 + 2 × 128 and 92 + 2 × 128; no keepalive was sent, as data confirmed the session */
	assert_int_equal(pair_state(p, 0).tx_bytes, 404);
	assert_int_equal(pair_state(p, 0).rx_bytes, 348);
	assert_int_equal(pair_state(p, 1).tx_bytes, 348);
	assert_int_equal(pair_state(p, 1).rx_bytes, 404);
	assert_int_equal(pair_state(p, 0).handshake_s, 1700001000);
	assert_int_equal(pair_state(p, 1).handshake_s, 1700001000);
	pair_free(p);
}

/* ---- batches ---- */

enum { BATCH = 150, DST_BYTES = 200 };

static void test_batch_of_several_peers(void **state)
{
	static uint8_t in[BATCH][84], dst[BATCH][DST_BYTES];
	static const struct wg_public other = { { 9 } };
	struct ip_endpoint nowhere = { .port = 1 };
	struct wg_buf bufs[BATCH];
	struct wg_path paths[BATCH];
	struct wg_batch b = { bufs, BATCH, paths, 77 };
	struct pair *p = pair_new(2);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_tunnel_peer *second;
	struct ip_prefix prefix;
	uint64_t drops[WG_DROP_COUNT];

	(void)state;
	ping_both_ways(p);
	assert_int_equal(tunnel_peer_add(&second, t, &other), 0);
	assert_true(prefix_parse(&prefix, SPAN("10.0.1.0/24"), NULL));
	assert_int_equal(tunnel_route_add(t, second, &prefix), 0);
	for (int i = 0; i < BATCH; i++) {
		pair_ipv4(in[i], sizeof in[i], 0);
		bufs[i] = (struct wg_buf){ .src = in[i], .dst = dst[i], .n = sizeof in[i] };
	}
	in[3][0] = 0x55;  /* not IP */
	in[5][16] = 11;   /* no peer has the destination */
	in[7][18] = 1;    /* the second peer, which has no endpoint */
	in[20][1] = 0x03; /* congestion experienced */
	tunnel_seal(t, p->now_ns, &b);
	for (int i = 0; i < BATCH; i++) {
		enum wg_drop want = i == 3   ? WG_DROP_NOT_IP
				    : i == 5 ? WG_DROP_NO_PEER
				    : i == 7 ? WG_DROP_NO_ENDPOINT
					     : WG_DROP_NONE;
		assert_int_equal(bufs[i].drop, want);
		assert_int_equal(bufs[i].verdict, want == WG_DROP_NONE ? WG_TO_UDP : WG_DONE);
		if (want != WG_DROP_NONE)
			continue;
		assert_int_equal(bufs[i].out_n, 128);
		assert_int_equal(bufs[i].tos, i == 20 ? 2 : 0);
		assert_true(path_equal(&paths[bufs[i].path], &p->side[0].path));
	}
	assert_true(b.n_paths >= 1 && b.n_paths <= 4);
	tunnel_drops(t, drops);
	assert_int_equal(drops[WG_DROP_NOT_IP], 1);
	assert_int_equal(drops[WG_DROP_NO_PEER], 1);
	assert_int_equal(drops[WG_DROP_NO_ENDPOINT], 1);

	/* with an endpoint, the second peer needs a handshake, in the middle of a run */
	nowhere.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 99 });
	tunnel_peer_set_endpoint(t, second, &nowhere);
	tunnel_seal(t, p->now_ns, &b);
	assert_int_equal(bufs[7].verdict, WG_CONTROL);
	assert_int_equal(bufs[8].verdict, WG_TO_UDP);
	tunnel_control_tun(t, p->now_ns, &b);
	assert_int_equal(bufs[7].verdict, WG_DONE);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->packets[p->side[0].sent->n - 1].n, 148);
	assert_true(endpoint_equal(&p->side[0].sent->packets[p->side[0].sent->n - 1].path.remote,
				   &nowhere));
	pair_free(p);
}

static void test_in_place(void **state)
{
	uint8_t dst[16 + 84 + 15 + 32], ping[84];
	struct wg_buf buf = { .src = dst + 16, .dst = dst, .n = sizeof ping };
	struct wg_path path;
	struct wg_batch b = { &buf, 1, &path, 0 };
	struct pair *p = pair_new(3);

	(void)state;
	ping_both_ways(p);
	pair_ipv4(ping, sizeof ping, 0);
	memset(dst, 0xff, sizeof dst);
	memcpy(dst + 16, ping, sizeof ping);
	tunnel_seal(p->side[0].tunnel, p->now_ns, &b);
	assert_int_equal(buf.verdict, WG_TO_UDP);
	buf = (struct wg_buf){ .src = dst, .dst = dst + 16, .n = buf.out_n };
	path = p->side[1].path;
	b = (struct wg_batch){ &buf, 1, &path, 1 };
	tunnel_open(p->side[1].tunnel, p->now_ns, &b);
	assert_int_equal(buf.verdict, WG_TO_TUN);
	assert_int_equal(buf.out_n, sizeof ping);
	assert_memory_equal(dst + 16, ping, sizeof ping);
	pair_free(p);
}

/* Between the two steps of sealing a batch, another batch is sealed. */
static struct pair *numbered_pair;
static struct wg_batch numbered_second;

static void counters_reserved(void *ctx)
{
	const struct wg_batch *b = ctx;

	for (size_t i = 0; i < b->n; i++) {
		assert_int_equal(b->bufs[i].verdict, i == 1 ? WG_DONE : WG_TO_UDP);
		assert_int_equal(b->bufs[i].dst[0], 0xff);
	}
	tunnel_seal(numbered_pair->side[0].tunnel, numbered_pair->now_ns, &numbered_second);
}

static void test_counters_are_reserved_before_encryption(void **state)
{
	static uint8_t in[2 * BATCH][84], dst[2 * BATCH][DST_BYTES];
	static struct wg_buf bufs[2 * BATCH];
	static struct wg_path paths[2 * BATCH];
	static struct wg_run runs[BATCH];
	struct wg_batch b = { bufs, BATCH, paths, 0 };
	struct wg_seal_order order = { counters_reserved, &b, runs };
	struct pair *p = numbered_pair = pair_new(31);
	uint64_t last = 0;

	(void)state;
	numbered_second = (struct wg_batch){ bufs + BATCH, BATCH, paths + BATCH, 0 };
	ping_both_ways(p);
	for (int i = 0; i < 2 * BATCH; i++) {
		pair_ipv4(in[i], sizeof in[i], 0);
		memset(dst[i], 0xff, DST_BYTES);
		bufs[i] = (struct wg_buf){ .src = in[i], .dst = dst[i], .n = sizeof in[i] };
	}
	in[1][16] = in[BATCH + 1][16] = 11; /* no peer has the destination */
	tunnel_seal_in_order(p->side[0].tunnel, p->now_ns, &b, &order);
	for (int i = 0; i < 2 * BATCH; i++) {
		if (i % BATCH == 1)
			continue;
		assert_true(load_le64(dst[i] + 8) > last);
		last = load_le64(dst[i] + 8);
		assert_int_equal(pair_udp(p, 1, dst[i], bufs[i].out_n, NULL, 0).verdict, WG_TO_TUN);
	}
	pair_free(p);
}

/* ---- peers and routes ---- */

static void test_peer_errors(void **state)
{
	struct pair *p = pair_new(4);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_tunnel_peer *got;

	(void)state;
	assert_int_equal(tunnel_peer_add(&got, t, &p->side[1].pub), -EEXIST);
	assert_ptr_equal(got, p->side[0].peer);
	assert_int_equal(tunnel_peer_add(&got, t, &p->side[0].pub), -EADDRINUSE);
	assert_null(got);
	assert_null(tunnel_peer_find(t, &p->side[0].pub));
	assert_ptr_equal(tunnel_peer_find(t, &p->side[1].pub), p->side[0].peer);
	assert_int_equal(tunnel_reserve(t, SIZE_MAX, 0), -ENOMEM);
	assert_int_equal(tunnel_reserve(t, 0, SIZE_MAX), -ENOMEM);
	pair_free(p);
}

static void test_order_of_peers(void **state)
{
	struct pair *p = pair_new(5);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_tunnel_peer *peers[100], *at = p->side[0].peer;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct wg_public key = { { (uint8_t)i, 1 } };
		assert_int_equal(tunnel_peer_add(&peers[i], t, &key), 0);
	}
	tunnel_peer_remove(t, peers[0]);
	tunnel_peer_remove(t, peers[50]);
	tunnel_peer_remove(t, peers[99]);
	assert_ptr_equal(tunnel_peer_next(t, NULL), at);
	for (int i = 1; i < 99; i++) {
		if (i == 50)
			continue;
		at = tunnel_peer_next(t, at);
		assert_ptr_equal(at, peers[i]);
	}
	assert_null(tunnel_peer_next(t, at));
	pair_free(p);
}

static void test_private_key(void **state)
{
	struct pair *p = pair_new(6);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_private raw = { { 0xff } }, got, none = { { 0 } };
	struct wg_public pub;

	(void)state;
	raw.b[31] = 0xff;
	tunnel_set_private_key(t, &raw);
	tunnel_private_key(t, &got);
	assert_int_equal(got.b[0], 0xf8);
	assert_int_equal(got.b[31], 0x7f);
	assert_true(tunnel_public_key(t, &pub));
	tunnel_set_private_key(t, &none);
	assert_false(tunnel_public_key(t, &pub));
	tunnel_private_key(t, &got);
	assert_memory_equal(&got, &none, sizeof none);
	/* with the private key of the peer, we are that peer ourselves: it is removed */
	tunnel_set_private_key(t, &p->side[1].key);
	assert_null(tunnel_peer_next(t, NULL));
	pair_free(p);
}

static void test_removed_peer_is_unreachable(void **state)
{
	uint8_t ping[84];
	struct pair *p = pair_new(7);
	struct pair_packet late;

	(void)state;
	ping_both_ways(p);
	pair_clear(p);
	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	late = p->side[0].sent->packets[0];
	tunnel_peer_remove(p->side[1].tunnel, p->side[1].peer);
	assert_int_equal(pair_udp(p, 1, late.bytes, late.n, NULL, 0).drop, WG_DROP_UNKNOWN_INDEX);
	pair_ipv4(ping, sizeof ping, 1);
	assert_int_equal(pair_tun(p, 1, ping, sizeof ping).drop, WG_DROP_NO_PEER);
	assert_int_equal(p->side[1].sent->n, 0);
	assert_true(tunnel_deadline(p->side[1].tunnel) == NEVER);
	pair_free(p);
}

static void test_psk_matrix(void **state)
{
	static const struct wg_psk keys[] = { { { 0 } }, { { 1 } }, { { 2 } } };
	uint8_t ping[84];

	(void)state;
	pair_ipv4(ping, sizeof ping, 0);
	for (size_t a = 0; a < 3; a++) {
		for (size_t b = 0; b < 3; b++) {
			struct pair *p = pair_new(8);

			tunnel_peer_set_psk(p->side[0].tunnel, p->side[0].peer, &keys[a]);
			tunnel_peer_set_psk(p->side[1].tunnel, p->side[1].peer, &keys[b]);
			pair_tun(p, 0, ping, sizeof ping);
			pair_exchange(p);
			assert_int_equal(p->side[1].got->n, a == b);
			assert_int_equal(pair_state(p, 0).handshake_s != 0, a == b);
			pair_free(p);
		}
	}
}

/* Points of order 1, 2, 4 and 8, also in encodings that are not reduced modulo p. */
static void test_low_order_keys_get_no_packet(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct pair *p = pair_new(9);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		struct ip_endpoint endpoint = { .port = 9 };
		struct wg_tunnel_peer *peer;
		struct wg_public key;

		assert_true(key_from_hex(key.b, span_of(points[i])));
		endpoint.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 50 });
		assert_int_equal(tunnel_peer_add(&peer, p->side[0].tunnel, &key), 0);
		tunnel_peer_set_endpoint(p->side[0].tunnel, peer, &endpoint);
		tunnel_peer_set_keepalive(p->side[0].tunnel, p->now_ns, peer, 1);
	}
	pair_run(p, p->now_ns + 60 * NS_PER_S, true);
	assert_int_equal(p->side[0].sent->n, 0);
	pair_free(p);
}

/* ---- handshake messages from the network ---- */

static void same_state(const struct wg_peer_state *a, const struct wg_peer_state *b)
{
	assert_true(endpoint_equal(&a->endpoint, &b->endpoint));
	assert_int_equal(a->rx_bytes, b->rx_bytes);
	assert_int_equal(a->tx_bytes, b->tx_bytes);
	assert_int_equal(a->handshake_s, b->handshake_s);
}

static void test_flipped_bytes_change_nothing(void **state)
{
	uint8_t ping[84];
	struct pair_packet m1, m2;
	struct pair *p = pair_new(10);
	struct wg_peer_state before, after;

	(void)state;
	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	m1 = p->side[0].sent->packets[0];
	assert_int_equal(m1.n, 148);
	assert_int_equal(m1.tos, 0x88);
	before = pair_state(p, 1);
	for (size_t i = 0; i < m1.n - 16; i++) {
		m1.bytes[i] ^= 0x20;
		assert_int_not_equal(pair_udp(p, 1, m1.bytes, m1.n, NULL, 0).drop, WG_DROP_NONE);
		m1.bytes[i] ^= 0x20;
	}
	after = pair_state(p, 1);
	same_state(&before, &after);
	assert_int_equal(p->side[1].sent->n, 0);
	assert_int_equal(pair_udp(p, 1, m1.bytes, m1.n, NULL, 0).drop, WG_DROP_NONE);
	m2 = p->side[1].sent->packets[0];
	assert_int_equal(m2.n, 92);
	assert_int_equal(m2.tos, 0x88);
	pair_clear(p);
	before = pair_state(p, 0);
	for (size_t i = 0; i < m2.n - 16; i++) {
		m2.bytes[i] ^= 0x20;
		assert_int_not_equal(pair_udp(p, 0, m2.bytes, m2.n, NULL, 0).drop, WG_DROP_NONE);
		m2.bytes[i] ^= 0x20;
	}
	after = pair_state(p, 0);
	same_state(&before, &after);
	assert_int_equal(p->side[0].sent->n, 0);
	assert_int_equal(pair_udp(p, 0, m2.bytes, m2.n, NULL, 0).drop, WG_DROP_NONE);
	assert_int_equal(pair_udp(p, 0, m2.bytes, m2.n, NULL, 0).drop, WG_DROP_HANDSHAKE);
	assert_int_equal(pair_udp(p, 1, m1.bytes, m1.n, NULL, 0).drop, WG_DROP_HANDSHAKE_REPLAY);
	pair_free(p);
}

/* Copies of an initiation in one batch: only the first is accepted. */
static void test_batch_of_initiations(void **state)
{
	static uint8_t dsts[40][132];
	uint8_t ping[84];
	struct pair *p = pair_new(11);
	struct pair_packet m1;
	struct wg_buf bufs[40];
	struct wg_path path;
	struct wg_batch b = { bufs, ARRAY_LEN(bufs), &path, 1 };
	uint64_t drops[WG_DROP_COUNT];

	(void)state;
	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	m1 = p->side[0].sent->packets[0];
	path = p->side[1].path;
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		bufs[i] = (struct wg_buf){ .src = m1.bytes, .dst = dsts[i], .n = m1.n };
	tunnel_open(p->side[1].tunnel, p->now_ns, &b);
	tunnel_control_udp(p->side[1].tunnel, p->now_ns, &b, false);
	pair_collect(p, 1);
	assert_int_equal(p->side[1].sent->n, 1);
	assert_int_equal(bufs[0].drop, WG_DROP_NONE);
	for (size_t i = 1; i < ARRAY_LEN(bufs); i++)
		assert_int_equal(bufs[i].drop, WG_DROP_HANDSHAKE_REPLAY);
	tunnel_drops(p->side[1].tunnel, drops);
	assert_int_equal(drops[WG_DROP_HANDSHAKE_REPLAY], ARRAY_LEN(bufs) - 1);
	pair_free(p);
}

static void add_again(struct pair *p)
{
	struct pair_side *s = &p->side[0];
	struct ip_prefix prefix;

	tunnel_peer_remove(s->tunnel, s->peer);
	assert_int_equal(tunnel_peer_add(&s->peer, s->tunnel, &p->side[1].pub), 0);
	tunnel_peer_set_endpoint(s->tunnel, s->peer, &s->path.remote);
	assert_true(prefix_make(&prefix, &p->side[1].address, 32));
	assert_int_equal(tunnel_route_add(s->tunnel, s->peer, &prefix), 0);
}

/* The wall clock stands still, then is set back a year: the peer accepts every initiation all the same,
 * also after it was removed and added again. */
static void test_timestamps_never_decrease(void **state)
{
	uint8_t ping[84];
	struct pair *p = pair_new(14);

	(void)state;
	pair_ipv4(ping, sizeof ping, 0);
	p->side[0].wall_stopped = true;
	for (int i = 0; i < 8; i++) {
		struct pair_packet m1;

		if (i == 4)
			p->side[0].wall_s -= 31536000;
		pair_clear(p);
		add_again(p);
		pair_tun(p, 0, ping, sizeof ping);
		assert_int_equal(p->side[0].sent->n, 1);
		m1 = p->side[0].sent->packets[0];
		assert_int_equal(m1.n, 148);
		p->now_ns += NS_PER_S;
		assert_int_equal(pair_udp(p, 1, m1.bytes, m1.n, NULL, 0).drop, WG_DROP_NONE);
	}
	pair_free(p);
}

/* A persistent keepalive begins when the tunnel is up and has a private key, not before. */
static void test_first_keepalive(void **state)
{
	struct pair *p = pair_new(15);
	struct wg_tunnel *t = p->side[0].tunnel;
	struct wg_private none = { { 0 } };

	(void)state;
	tunnel_down(t);
	tunnel_peer_set_keepalive(t, p->now_ns, p->side[0].peer, 1);
	pair_run(p, p->now_ns + 10 * NS_PER_S, true);
	assert_int_equal(p->side[0].sent->n, 0);
	tunnel_up(t, p->now_ns);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->n, 1);
	tunnel_down(t);
	tunnel_set_private_key(t, &none);
	pair_clear(p);
	tunnel_up(t, p->now_ns);
	pair_run(p, p->now_ns + 10 * NS_PER_S, true);
	assert_int_equal(p->side[0].sent->n, 0);
	assert_true(tunnel_deadline(t) == NEVER);
	tunnel_set_private_key(t, &p->side[0].key);
	pair_exchange(p);
	assert_true(pair_state(p, 1).handshake_s > 0);
	pair_free(p);
}

/* The caller can see that the data half has left work for control. */
static void test_needs_control(void **state)
{
	uint8_t ping[84], sealed[84 + 15 + 32], opened[200];
	struct pair *p = pair_new(16);
	struct wg_buf buf = { .src = ping, .dst = sealed, .n = sizeof ping };
	struct wg_path path;
	struct wg_batch b = { &buf, 1, &path, 0 };

	(void)state;
	ping_both_ways(p);
	pair_ipv4(ping, sizeof ping, 0);
	pair_run(p, p->now_ns + 119 * NS_PER_S, false);
	tunnel_seal(p->side[0].tunnel, p->now_ns, &b);
	tunnel_tick(p->side[0].tunnel, p->now_ns); /* a timer may have started */
	assert_false(tunnel_needs_control(p->side[0].tunnel));
	p->now_ns += NS_PER_S; /* 120 s: the initiator must rekey */
	buf = (struct wg_buf){ .src = ping, .dst = sealed, .n = sizeof ping };
	tunnel_seal(p->side[0].tunnel, p->now_ns, &b);
	assert_int_equal(buf.verdict, WG_TO_UDP);
	assert_true(tunnel_needs_control(p->side[0].tunnel));
	assert_int_equal(tunnel_deadline(p->side[0].tunnel), 0);
	buf = (struct wg_buf){ .src = sealed, .dst = opened, .n = buf.out_n };
	path = p->side[1].path;
	b.n_paths = 1;
	tunnel_open(p->side[1].tunnel, p->now_ns, &b);
	assert_int_equal(buf.verdict, WG_TO_TUN);
	pair_clear(p);
	pair_collect(p, 0);
	assert_int_equal(p->side[0].sent->n, 1);
	assert_int_equal(p->side[0].sent->packets[0].n, 148);
	assert_false(tunnel_needs_control(p->side[0].tunnel));
	pair_free(p);
}

/* ---- counters ---- */

static void test_last_counters(void **state)
{
	uint8_t ping[84];
	struct pair *p = pair_new(12);

	(void)state;
	ping_both_ways(p);
	pair_ipv4(ping, sizeof ping, 0);
	pair_clear(p);
	p->now_ns += 6 * NS_PER_S;
	atomic_store(&p->side[0].peer->sessions.current->tx_counter, REJECT_AFTER_MESSAGES - 2);
	atomic_store(&p->side[0].peer->may_initiate_ns, NEVER); /* no handshake before the counters end */
	pair_tun(p, 0, ping, sizeof ping);
	pair_tun(p, 0, ping, sizeof ping);
	assert_int_equal(p->side[0].sent->n, 2);
	atomic_store(&p->side[0].peer->may_initiate_ns, 0);
	pair_tun(p, 0, ping, sizeof ping);
	assert_int_equal(p->side[0].sent->n, 3);
	assert_int_equal(p->side[0].sent->packets[2].n, 148);
	pair_exchange(p);
	assert_int_equal(p->side[1].got->n, 3);
	pair_free(p);
}

static void test_drop_texts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		assert_true(strlen(wg_drop_text(i)) > 5);
	for (enum wg_drop i = 0; i < WG_DROP_COUNT; i++) /* names are unique within a scope */
		for (enum wg_drop k = 0; k < i; k++)
			assert_true(wg_drop_scope(i) != wg_drop_scope(k) || strcmp(wg_drop_name(i), wg_drop_name(k)) != 0);
	assert_string_equal(wg_drop_text(WG_DROP_REPLAY), "replayed, or older than the replay window");
	assert_true(tunnel_self_test());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_counts_of_two_pings),
		cmocka_unit_test(test_batch_of_several_peers),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_counters_are_reserved_before_encryption),
		cmocka_unit_test(test_peer_errors),
		cmocka_unit_test(test_order_of_peers),
		cmocka_unit_test(test_private_key),
		cmocka_unit_test(test_removed_peer_is_unreachable),
		cmocka_unit_test(test_psk_matrix),
		cmocka_unit_test(test_low_order_keys_get_no_packet),
		cmocka_unit_test(test_flipped_bytes_change_nothing),
		cmocka_unit_test(test_batch_of_initiations),
		cmocka_unit_test(test_timestamps_never_decrease),
		cmocka_unit_test(test_first_keepalive),
		cmocka_unit_test(test_needs_control),
		cmocka_unit_test(test_last_counters),
		cmocka_unit_test(test_drop_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
