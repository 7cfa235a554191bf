/* Batching of X25519 and of publications: a hub handshakes with forty peers at once, and every result
 * belongs to the right peer. The linker wraps x25519_batch (tests/tests.mk), so that calls can be counted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "proto/tunnel_state.h"

enum { PEERS = 40, HUB = 200, PACKET = 20, SENT_MAX = 128, SENT_BYTES = 192 };
#define START_NS (1000 * NS_PER_S)

static uint64_t now_ns;
static size_t n_batches, n_jobs, n_multiplied; /* since the last expect_batches */
static size_t n_publications;    /* since the last expect_publications */
static unsigned int same_draws;  /* so many more draws of four bytes are the same */
static uint64_t rng_state;

void __real_x25519_batch(struct x25519_job *jobs, size_t n);
void __wrap_x25519_batch(struct x25519_job *jobs, size_t n);

void __wrap_x25519_batch(struct x25519_job *jobs, size_t n)
{
	if (n > 0) {
		n_batches++;
		n_jobs += n;
	}
	__real_x25519_batch(jobs, n);
}

/* All multiplications of handshakes go through the program. */
static void env_parallel(void *ctx, wg_compute_fn *compute, void *jobs, size_t n)
{
	(void)ctx;
	n_multiplied += n;
	compute(jobs, 0, n);
}

static void expect_batches(size_t batches, size_t jobs)
{
	assert_int_equal(n_batches, batches);
	assert_int_equal(n_jobs, jobs);
	assert_int_equal(n_multiplied, jobs);
	n_batches = n_jobs = n_multiplied = 0;
}

static void expect_publications(size_t n)
{
	assert_int_equal(n_publications, n);
	n_publications = 0;
}

static void env_publish_begin(void *ctx)
{
	(void)ctx;
	n_publications++;
}

static void env_publish_end(void *ctx)
{
	(void)ctx;
}

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *out = p;

	(void)ctx;
	if (n == 4 && same_draws > 0) {
		same_draws--;
		store_le32(p, 0x01020304);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
		out[i] = (uint8_t)(rng_state >> 56);
	}
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

struct sent {
	uint32_t n;
	uint16_t from; /* number of the peer, or HUB */
	struct wg_path to;
	uint8_t bytes[SENT_BYTES];
};

struct hub {
	struct wg_tunnel *tunnel;
	struct wg_public pub;
	struct {
		struct wg_tunnel *tunnel;
		struct wg_tunnel_peer *hub;  /* in the tunnel of the peer */
		struct wg_tunnel_peer *peer; /* in the hub */
	} others[PEERS];
	struct sent sent[SENT_MAX]; /* by the hub, or by all peers */
	size_t n_sent;
};

static struct hub h;

static struct wg_tunnel *tunnel(struct wg_public *pub)
{
	struct wg_env env = { .random = env_random, .realtime = env_realtime,
			      .publish_begin = env_publish_begin, .publish_end = env_publish_end,
			      .parallel = env_parallel };
	struct wg_tunnel *t = tunnel_new(&env);
	struct wg_private key;

	assert_non_null(t);
	env_random(NULL, &key, sizeof key);
	tunnel_set_private_key(t, &key);
	assert_true(tunnel_public_key(t, pub));
	tunnel_up(t, now_ns);
	return t;
}

/* The port identifies the peer. */
static struct ip_endpoint endpoint(uint16_t i)
{
	return (struct ip_endpoint){ .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }),
				     .port = (uint16_t)(1000 + i) };
}

static struct wg_tunnel_peer *peer(struct wg_tunnel *t, const struct wg_public *pub, uint16_t i)
{
	struct ip_endpoint there = endpoint(i);
	struct wg_tunnel_peer *p;
	struct ip_prefix prefix;
	struct ip_addr inner = ip_v4((const uint8_t[4]){ 10, 0, 0, (uint8_t)i });

	assert_int_equal(tunnel_peer_add(&p, t, pub), 0);
	tunnel_peer_set_endpoint(t, p, &there);
	assert_true(prefix_make(&prefix, &inner, 32));
	assert_int_equal(tunnel_route_add(t, p, &prefix), 0);
	return p;
}

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof h);
	rng_state = 1;
	now_ns = START_NS;
	h.tunnel = tunnel(&h.pub);
	for (uint16_t i = 0; i < PEERS; i++) {
		struct wg_public pub;

		h.others[i].tunnel = tunnel(&pub);
		h.others[i].hub = peer(h.others[i].tunnel, &h.pub, HUB);
		h.others[i].peer = peer(h.tunnel, &pub, i);
	}
	n_batches = n_jobs = n_multiplied = n_publications = 0;
	same_draws = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tunnel_free(h.tunnel);
	for (int i = 0; i < PEERS; i++)
		tunnel_free(h.others[i].tunnel);
	return 0;
}

static void drain(struct wg_tunnel *t, uint16_t from)
{
	static uint8_t dst[WG_DATAGRAM_MAX];
	struct wg_buf out = { .dst = dst };

	for (;;) {
		struct sent *s = &h.sent[h.n_sent];
		bool more = tunnel_control_next(t, now_ns, &out, &s->to);

		assert_int_equal(t->n_initiators, 0); /* empty between calls */
		if (!more)
			return;
		assert_true(h.n_sent < SENT_MAX - 1 && out.out_n <= SENT_BYTES);
		s->n = out.out_n;
		s->from = from;
		memcpy(s->bytes, dst, out.out_n);
		h.n_sent++;
	}
}

/* The tunnel receives the datagrams as one batch; n_dropped of them are dropped. */
static void receive(struct wg_tunnel *t, const struct sent *all, size_t n, size_t n_dropped)
{
	static uint8_t dsts[SENT_MAX][SENT_BYTES];
	struct wg_path paths[SENT_MAX];
	struct wg_buf bufs[SENT_MAX];
	struct wg_batch b = { bufs, n, paths, n };
	size_t dropped = 0;

	for (size_t i = 0; i < n; i++) {
		paths[i] = (struct wg_path){ .remote = endpoint(all[i].from) };
		bufs[i] = (struct wg_buf){ .src = all[i].bytes, .dst = dsts[i], .n = all[i].n,
					   .path = (uint16_t)i };
	}
	tunnel_open(t, now_ns, &b);
	tunnel_control_udp(t, now_ns, &b, false);
	assert_int_equal(t->n_initiators, 0);
	for (size_t i = 0; i < n; i++)
		dropped += bufs[i].drop != WG_DROP_NONE;
	assert_int_equal(dropped, n_dropped);
}

/* Each peer receives what the hub sent to it, in any order, and accepts it. Their datagrams replace
 * `sent`. */
static void peers_receive(void)
{
	static struct sent before[SENT_MAX];
	size_t n = h.n_sent;
	bool was_there[PEERS] = { false };

	memcpy(before, h.sent, sizeof before);
	h.n_sent = 0;
	assert_int_equal(n, PEERS);
	for (size_t i = 0; i < n; i++)
		was_there[before[i].to.remote.port - 1000] = true;
	for (int i = 0; i < PEERS; i++)
		assert_true(was_there[i]);
	for (uint16_t i = 0; i < PEERS; i++)
		for (size_t k = 0; k < n; k++)
			if (before[k].to.remote.port == 1000 + i) {
				receive(h.others[i].tunnel, &before[k], 1, 0);
				drain(h.others[i].tunnel, i);
			}
}

static void expect_sessions(void)
{
	struct wg_peer_state state;

	for (int i = 0; i < PEERS; i++) {
		tunnel_peer_state(h.tunnel, h.others[i].peer, &state);
		assert_int_equal(state.handshake_s, 1700000000);
		tunnel_peer_state(h.others[i].tunnel, h.others[i].hub, &state);
		assert_int_equal(state.handshake_s, 1700000000);
	}
}

static void initiate_with_all(void)
{
	for (int i = 0; i < PEERS; i++)
		tunnel_peer_set_keepalive(h.tunnel, now_ns, h.others[i].peer, 25);
	tunnel_tick(h.tunnel, now_ns);
	assert_int_equal(h.tunnel->n_initiators, 0);
	drain(h.tunnel, HUB);
}

/* Three multiplications for each initiation, one of them static-static, then two for each response. */
static void test_keepalive_handshakes_are_batched(void **state)
{
	(void)state;
	n_publications = 0;
	initiate_with_all();
	expect_batches(3, 3 * PEERS);
	expect_publications(3);
	peers_receive();
	n_batches = n_jobs = n_multiplied = n_publications = 0;

	assert_int_equal(h.n_sent, PEERS);
	receive(h.tunnel, h.sent, PEERS, 0);
	expect_batches(3, 2 * PEERS);
	expect_publications(3);
	h.n_sent = 0;
	drain(h.tunnel, HUB); /* a keepalive for each peer */
	peers_receive();
	expect_sessions();
}

/* All peers initiate, and the hub answers. */
static void peers_initiate(void)
{
	for (uint16_t i = 0; i < PEERS; i++) {
		tunnel_peer_set_keepalive(h.others[i].tunnel, now_ns, h.others[i].hub, 25);
		tunnel_tick(h.others[i].tunnel, now_ns);
		drain(h.others[i].tunnel, i);
	}
}

static void test_answers_are_batched(void **state)
{
	static struct sent initiations[PEERS];

	(void)state;
	peers_initiate();
	memcpy(initiations, h.sent, sizeof initiations);
	h.n_sent = 0;
	n_publications = 0;
	receive(h.tunnel, initiations, PEERS, 0);
	expect_publications(3);
	drain(h.tunnel, HUB);
	peers_receive(); /* a keepalive of each, which confirms the session */
	assert_int_equal(h.n_sent, PEERS);
	n_publications = 0;
	receive(h.tunnel, h.sent, PEERS, 0);
	expect_publications(3); /* the sessions are confirmed */
	expect_sessions();
}

/* Whether initiations or responses: the indices of a batch differ, although the same one is drawn. */
static void test_indices_of_a_batch_differ(void **state)
{
	static struct sent initiations[PEERS];

	(void)state;
	same_draws = 20;
	initiate_with_all();
	assert_int_equal(same_draws, 0);
	for (size_t i = 0; i < h.n_sent; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(h.sent[i].bytes + 4, h.sent[k].bytes + 4, 4);
	h.n_sent = 0;
	peers_initiate();
	memcpy(initiations, h.sent, sizeof initiations);
	h.n_sent = 0;
	same_draws = 20;
	receive(h.tunnel, initiations, PEERS, 0);
	assert_int_equal(same_draws, 0);
	drain(h.tunnel, HUB);
	assert_int_equal(h.n_sent, PEERS);
	for (size_t i = 0; i < h.n_sent; i++)
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(h.sent[i].bytes + 4, h.sent[k].bytes + 4, 4);
}

/* No peer has answered: all initiations are retried, and the static-static results are known. */
static void test_retries_are_batched(void **state)
{
	(void)state;
	initiate_with_all();
	expect_batches(3, 3 * PEERS);
	h.n_sent = 0;
	now_ns += REKEY_TIMEOUT_NS + JITTER_MAX_NS;
	tunnel_tick(h.tunnel, now_ns);
	assert_int_equal(h.tunnel->n_initiators, 0);
	expect_batches(3, 2 * PEERS);
	drain(h.tunnel, HUB);
	expect_batches(0, 0);
	peers_receive();
	receive(h.tunnel, h.sent, PEERS, 0);
	h.n_sent = 0;
	drain(h.tunnel, HUB);
	peers_receive();
	expect_sessions();
}

/* Packets for all peers, none of which has a session. */
static void test_handshakes_for_staged_packets_are_batched(void **state)
{
	uint8_t packets[PEERS][PACKET] = { { 0 } }, dsts[PEERS][PACKET + 15 + WG_OVERHEAD];
	struct wg_buf bufs[PEERS];
	struct wg_path paths[PEERS];
	struct wg_batch b = { bufs, PEERS, paths, 0 };

	(void)state;
	for (uint8_t i = 0; i < PEERS; i++) {
		memcpy(packets[i], (const uint8_t[PACKET]){ 0x45, 0, 0, PACKET, [12] = 10, 0, 0, HUB,
							   10, 0, 0, i }, PACKET);
		bufs[i] = (struct wg_buf){ .src = packets[i], .dst = dsts[i], .n = PACKET };
	}
	tunnel_seal(h.tunnel, now_ns, &b);
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(bufs[i].verdict, WG_CONTROL);
	tunnel_control_tun(h.tunnel, now_ns, &b);
	drain(h.tunnel, HUB);
	expect_batches(3, 3 * PEERS);
	peers_receive();
	receive(h.tunnel, h.sent, PEERS, 0);
	h.n_sent = 0;
	drain(h.tunnel, HUB); /* the packets */
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(h.sent[i].n, 32 + WG_OVERHEAD);
	peers_receive();
	expect_sessions();
}

/* Repeated responses, and forged ones before the genuine ones: each genuine one is accepted once. */
static void test_invalid_responses_are_refused(void **state)
{
	static struct sent mixed[SENT_MAX];
	struct cookie_maker maker = { 0 };
	size_t n = 0;

	(void)state;
	initiate_with_all();
	peers_receive();
	for (int i = 0; i < PEERS; i++) {
		mixed[n] = h.sent[i];
		mixed[n].bytes[50] ^= 1; /* mac1 is valid, but the sealed field does not authenticate */
		cookie_add_macs(&maker, now_ns, mixed[n].bytes, mixed[n].n, &h.pub);
		mixed[n + 1] = h.sent[i];
		mixed[n + 2] = h.sent[i];
		n += 3;
	}
	receive(h.tunnel, mixed, n, 2 * PEERS);
	h.n_sent = 0;
	drain(h.tunnel, HUB);
	peers_receive();
	expect_sessions();
}

/* Both sides initiate at once, and the hub receives the initiation and the response of the peer in one
 * batch: the response creates a session, although the initiation before it supersedes our own. */
static void test_response_before_initiation(void **state)
{
	struct sent both[2];

	(void)state;
	tunnel_peer_set_keepalive(h.tunnel, now_ns, h.others[7].peer, 25);
	tunnel_tick(h.tunnel, now_ns);
	assert_int_equal(h.tunnel->n_initiators, 0);
	drain(h.tunnel, HUB);
	tunnel_peer_set_keepalive(h.others[7].tunnel, now_ns, h.others[7].hub, 25);
	tunnel_tick(h.others[7].tunnel, now_ns);
	drain(h.others[7].tunnel, 7);
	both[0] = h.sent[1];
	receive(h.others[7].tunnel, &h.sent[0], 1, 0);
	h.n_sent = 0;
	drain(h.others[7].tunnel, 7);
	both[1] = h.sent[0];
	assert_int_equal(both[0].n, MSG_INITIATION_BYTES);
	assert_int_equal(both[1].n, MSG_RESPONSE_BYTES);
	receive(h.tunnel, both, 2, 0);
	assert_non_null(h.others[7].peer->sessions.current); /* ours */
	assert_non_null(h.others[7].peer->sessions.next);    /* the peer's */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keepalive_handshakes_are_batched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_are_batched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_indices_of_a_batch_differ, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retries_are_batched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handshakes_for_staged_packets_are_batched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_response_before_initiation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invalid_responses_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
