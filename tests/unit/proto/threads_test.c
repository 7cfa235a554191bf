/* Two threads seal and open in reader sections while the control half performs handshakes, rotates keys,
 * moves routes, and adds and removes peers: for the thread sanitizer, and for invariants that hold
 * without it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "proto/tunnel.h"

enum { WORKERS = 2, BATCH = 8, PACKET = 100, DST_BYTES = PACKET + 15 + WG_OVERHEAD, ROUNDS = 1500 };

struct end {
	struct wg_tunnel *tunnel;
	struct wg_tunnel_peer *peer;
	struct wg_private key;
	struct wg_public pub;
	pthread_mutex_t sections[WORKERS];
	uint64_t random;
};

static struct end ends[2];
static _Atomic uint64_t now_ns;
static _Atomic bool stop;
static _Atomic uint64_t delivered, altered;

static void env_random(void *ctx, void *p, size_t n) /* control half only */
{
	struct end *e = ctx;
	uint8_t *out = p;

	for (size_t i = 0; i < n; i++) {
		e->random = e->random * 6364136223846793005ull + 1442695040888963407ull;
		out[i] = (uint8_t)(e->random >> 56);
	}
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000 + now_ns / NS_PER_S;
	*ns = (uint32_t)(now_ns % NS_PER_S);
}

static void env_begin(void *ctx)
{
	struct end *e = ctx;

	for (int i = 0; i < WORKERS; i++)
		pthread_mutex_lock(&e->sections[i]);
}

static void env_end(void *ctx)
{
	struct end *e = ctx;

	for (int i = WORKERS; i-- > 0;)
		pthread_mutex_unlock(&e->sections[i]);
}

static void fill(uint8_t *p, int from, int salt)
{
	memset(p, salt, PACKET);
	memcpy(p, (const uint8_t[20]){ 0x45, 0, 0, PACKET }, 20);
	memcpy(p + 12, (const uint8_t[4]){ 10, 0, 0, (uint8_t)(from + 1) }, 4);
	memcpy(p + 16, (const uint8_t[4]){ 10, 0, 0, (uint8_t)(!from + 1) }, 4);
}

struct batch {
	struct wg_batch b;
	struct wg_buf bufs[BATCH];
	struct wg_path paths[BATCH];
	struct wg_run runs[BATCH];
	uint8_t in[BATCH][PACKET], sealed[BATCH][DST_BYTES], out[BATCH][DST_BYTES];
};

static void check(struct batch *x, int from)
{
	uint8_t want[PACKET];

	for (size_t i = 0; i < x->b.n; i++) {
		if (x->bufs[i].verdict != WG_TO_TUN)
			continue;
		atomic_fetch_add(&delivered, 1);
		fill(want, from, x->bufs[i].dst[PACKET - 1]);
		if (x->bufs[i].out_n != PACKET || memcmp(want, x->bufs[i].dst, PACKET) != 0)
			atomic_fetch_add(&altered, 1);
	}
}

static void counters_reserved(void *ctx)
{
	struct batch *x = ctx;

	assert_true(x->b.n_paths <= x->b.n);
}

/* Sends a batch from the TUN of one end to that of the other. */
static void round_trip(struct batch *x, int from, int worker)
{
	struct end *a = &ends[from], *b = &ends[!from];
	const struct wg_seal_order order = { counters_reserved, x, x->runs };
	size_t n = 0;

	for (int i = 0; i < BATCH; i++) {
		fill(x->in[i], from, worker * 16 + i);
		x->bufs[i] = (struct wg_buf){ .src = x->in[i], .dst = x->sealed[i], .n = PACKET };
	}
	x->b = (struct wg_batch){ x->bufs, BATCH, x->paths, 0 };
	pthread_mutex_lock(&a->sections[worker]);
	tunnel_seal_in_order(a->tunnel, now_ns, &x->b, &order);
	pthread_mutex_unlock(&a->sections[worker]);
	for (int i = 0; i < BATCH; i++) {
		if (x->bufs[i].verdict != WG_TO_UDP)
			continue;
		x->bufs[n++] = (struct wg_buf){ .src = x->bufs[i].dst, .dst = x->out[i],
						.n = x->bufs[i].out_n };
	}
	x->b.n = n;
	memset(x->paths, 0, sizeof x->paths);
	x->paths[0].remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, (uint8_t)(worker + 1) });
	x->paths[0].remote.port = 7; /* the endpoint roams between the ports of the workers */
	pthread_mutex_lock(&b->sections[worker]);
	tunnel_open(b->tunnel, now_ns, &x->b);
	pthread_mutex_unlock(&b->sections[worker]);
	check(x, from);
}

static void *work(void *ctx)
{
	int worker = *(int *)ctx;
	struct batch *x = calloc(1, sizeof *x);

	for (int i = 0; x && !stop; i++)
		round_trip(x, i & 1, worker);
	free(x);
	return NULL;
}

/* ---- control ---- */

static void drain(int from)
{
	static uint8_t dst[WG_DATAGRAM_MAX], plain[WG_DATAGRAM_MAX];
	struct wg_buf out = { .dst = dst };
	struct wg_path to;

	while (tunnel_control_next(ends[from].tunnel, now_ns, &out, &to)) {
		struct wg_buf in = { .src = dst, .dst = plain, .n = out.out_n };
		struct wg_path path = { .remote = { .port = 9 } };
		struct wg_batch b = { &in, 1, &path, 1 };

		path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 9 });
		tunnel_open(ends[!from].tunnel, now_ns, &b);
		tunnel_control_udp(ends[!from].tunnel, now_ns, &b, false);
	}
	if (!tunnel_is_holding(ends[from].tunnel))
		return;
	tunnel_queue_emptied(ends[from].tunnel);
	env_begin(&ends[from]); /* start_traffic is all that gives control packets */
	tunnel_release(ends[from].tunnel);
	env_end(&ends[from]);
}

static void start_traffic(int from)
{
	uint8_t in[PACKET], dst[DST_BYTES];
	struct wg_buf buf = { .src = in, .dst = dst, .n = PACKET };
	struct wg_path path;
	struct wg_batch b = { &buf, 1, &path, 0 };

	fill(in, from, 1);
	tunnel_seal(ends[from].tunnel, now_ns, &b);
	tunnel_control_tun(ends[from].tunnel, now_ns, &b);
}

static void other_peers(struct end *e, int round)
{
	struct ip_addr a = ip_v4((const uint8_t[4]){ 10, 0, (uint8_t)round, (uint8_t)(round >> 8) });
	struct wg_public key = { { (uint8_t)round, (uint8_t)(round >> 8), 1 } };
	struct ip_endpoint endpoint = { .addr = a, .port = 1 };
	struct wg_tunnel_peer *p;
	struct ip_prefix prefix;

	if (tunnel_peer_add(&p, e->tunnel, &key) != 0)
		return;
	tunnel_peer_set_endpoint(e->tunnel, p, &endpoint);
	assert_true(prefix_make(&prefix, &a, 8 + (unsigned int)round % 24));
	assert_int_equal(tunnel_route_add(e->tunnel, p, &prefix), 0);
	if (round % 3 == 0)
		tunnel_peer_remove(e->tunnel, p);
}

static void connect_ends(int i)
{
	struct end *e = &ends[i], *other = &ends[!i];
	struct ip_endpoint endpoint = { .port = 5 };
	struct ip_prefix prefix;
	struct ip_addr a = ip_v4((const uint8_t[4]){ 10, 0, 0, (uint8_t)(!i + 1) });

	endpoint.addr = a;
	assert_int_equal(tunnel_peer_add(&e->peer, e->tunnel, &other->pub), 0);
	tunnel_peer_set_endpoint(e->tunnel, e->peer, &endpoint);
	assert_true(prefix_make(&prefix, &a, 32));
	assert_int_equal(tunnel_route_add(e->tunnel, e->peer, &prefix), 0);
}

static void control_round(int round)
{
	uint64_t counts[WG_DROP_COUNT];
	struct wg_peer_state peer_state;
	struct end *e = &ends[round & 1];

	now_ns += (round % 16 == 0 ? 20000 : 50) * NS_PER_MS;
	start_traffic(round & 1);
	for (int i = 0; i < 2; i++) {
		drain(0);
		drain(1);
		(void)tunnel_deadline(ends[i].tunnel);
		tunnel_tick(ends[i].tunnel, now_ns);
	}
	other_peers(e, round);
	tunnel_clear_sources(e->tunnel);
	tunnel_drops(e->tunnel, counts);
	tunnel_peer_state(e->tunnel, e->peer, &peer_state);
	if (round % 101 == 100) { /* a peer is removed during traffic, and added again at once */
		tunnel_peer_remove(e->tunnel, e->peer);
		connect_ends(round & 1);
	}
	if (round % 211 == 210) {
		tunnel_down(e->tunnel);
		tunnel_up(e->tunnel, now_ns);
	}
	if (round % 151 == 150) { /* the private key is removed, and set again */
		tunnel_set_private_key(e->tunnel, &(struct wg_private){ { 0 } });
		tunnel_set_private_key(e->tunnel, &e->key);
	}
	if (round % 97 == 96)
		tunnel_peer_set_keepalive(e->tunnel, now_ns, e->peer, (uint16_t)(round % 3));
}

static void end_init(int i)
{
	struct end *e = &ends[i];
	struct wg_env env = { .ctx = e, .random = env_random, .realtime = env_realtime,
			      .publish_begin = env_begin, .publish_end = env_end };

	e->random = (uint64_t)i + 1;
	for (int w = 0; w < WORKERS; w++)
		pthread_mutex_init(&e->sections[w], NULL);
	e->tunnel = tunnel_new(&env);
	assert_non_null(e->tunnel);
	tunnel_hold(e->tunnel);
	env_random(e, &e->key, sizeof e->key);
	tunnel_set_private_key(e->tunnel, &e->key);
	assert_true(tunnel_public_key(e->tunnel, &e->pub));
}

/* ---- held packets ---- */

static enum wg_verdict seal_one(struct batch *x, int i)
{
	fill(x->in[i], 0, i);
	x->bufs[i] = (struct wg_buf){ .src = x->in[i], .dst = x->sealed[i], .n = PACKET };
	x->b = (struct wg_batch){ &x->bufs[i], 1, x->paths, 0 };
	tunnel_seal(ends[0].tunnel, now_ns, &x->b);
	return x->bufs[i].verdict;
}

/* Expects these packets, by number, among the datagrams that control sends now. */
static void expect_sent(const char *numbers)
{
	static uint8_t dst[WG_DATAGRAM_MAX], plain[WG_DATAGRAM_MAX];
	struct wg_buf out = { .dst = dst };
	struct wg_path to;

	while (tunnel_control_next(ends[0].tunnel, now_ns, &out, &to)) {
		struct wg_buf in = { .src = dst, .dst = plain, .n = out.out_n };
		struct wg_batch b = { &in, 1, &to, 1 };
		tunnel_open(ends[1].tunnel, now_ns, &b);
		assert_int_equal(in.verdict, WG_TO_TUN);
		assert_int_equal(plain[PACKET - 1], *numbers++ - '0');
	}
	assert_int_equal(*numbers, '\0');
}

static void pass_to_control(struct batch *x, int i)
{
	struct wg_batch b = { &x->bufs[i], 1, NULL, 0 };

	tunnel_control_tun(ends[0].tunnel, now_ns, &b);
}

/* Packets 1 to 3 arrive before there is a session, 4 and 5 afterwards, while 3 to 5 are still in the
 * queue to control and 1 and 2 are sent: the order must not change. */
static void test_order_of_held_packets(void **state)
{
	struct batch *x = calloc(1, sizeof *x);

	(void)state;
	now_ns = 1000 * NS_PER_S;
	for (int i = 0; i < 2; i++)
		end_init(i);
	for (int i = 0; i < 2; i++) {
		connect_ends(i);
		tunnel_up(ends[i].tunnel, now_ns);
	}
	for (int i = 1; i <= 3; i++)
		assert_int_equal(seal_one(x, i), WG_CONTROL);
	pass_to_control(x, 1);
	pass_to_control(x, 2);
	assert_false(tunnel_is_holding(ends[0].tunnel));
	drain(0); /* completes the handshake */
	drain(1);
	assert_int_equal(seal_one(x, 4), WG_CONTROL);
	expect_sent("12");
	assert_true(tunnel_is_holding(ends[0].tunnel));
	assert_int_equal(seal_one(x, 5), WG_CONTROL);
	for (int i = 3; i <= 5; i++)
		pass_to_control(x, i);
	expect_sent("345");
	tunnel_release(ends[0].tunnel);
	assert_false(tunnel_is_holding(ends[0].tunnel));
	assert_int_equal(seal_one(x, 6), WG_TO_UDP);
	for (int i = 0; i < 2; i++)
		tunnel_free(ends[i].tunnel);
	free(x);
}

static void test_workers_and_control(void **state)
{
	static int numbers[WORKERS] = { 0, 1 };
	pthread_t threads[WORKERS];

	(void)state;
	now_ns = 1000 * NS_PER_S;
	for (int i = 0; i < 2; i++)
		end_init(i);
	for (int i = 0; i < 2; i++) {
		connect_ends(i);
		tunnel_up(ends[i].tunnel, now_ns);
	}
	for (int w = 0; w < WORKERS; w++)
		assert_int_equal(pthread_create(&threads[w], NULL, work, &numbers[w]), 0);
	for (int round = 0; round < ROUNDS || atomic_load(&delivered) < 1000; round++)
		control_round(round);
	stop = true;
	for (int w = 0; w < WORKERS; w++)
		pthread_join(threads[w], NULL);
	assert_int_equal(altered, 0);
	for (int i = 0; i < 2; i++)
		tunnel_free(ends[i].tunnel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_held_packets),
		cmocka_unit_test(test_workers_and_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
