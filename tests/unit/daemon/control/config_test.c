/* A set request on a running tunnel: data threads wait while a change is published, so no Diffie-Hellman is
 * computed and no table of all peers or routes is copied in that time. The linker wraps X25519 and the
 * functions that begin and end a publication (tests/tests.mk), to count calls, and the clock. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/crypto.h"
#include "daemon/control/config.h"
#include "daemon/control/control.h"
#include "daemon/process/clock.h"
#include "proto/tunnel_state.h"

enum { PEERS = 300, PACKET = 20 }; /* more peers than are changed in one publication */

static struct control c;
static size_t computed, inside; /* Diffie-Hellman computations: in total, during publications */
static size_t grown;                  /* publications during which a table grew */
static size_t routes_cap, peers_mask; /* sizes of the tables when the publication began */

static void count(size_t n)
{
	computed += n;
	inside += c.threads.publish_depth > 0 ? n : 0;
}

bool __real_x25519(struct wg_shared *out, const struct wg_private *key, const struct wg_public *u);
void __real_x25519_batch(struct x25519_job *jobs, size_t n);
void __real_x25519_public(struct wg_public *out, const struct wg_private *key);
bool __wrap_x25519(struct wg_shared *out, const struct wg_private *key, const struct wg_public *u);
void __wrap_x25519_batch(struct x25519_job *jobs, size_t n);
void __wrap_x25519_public(struct wg_public *out, const struct wg_private *key);

bool __wrap_x25519(struct wg_shared *out, const struct wg_private *key, const struct wg_public *u)
{
	count(1);
	return __real_x25519(out, key, u);
}

void __wrap_x25519_batch(struct x25519_job *jobs, size_t n)
{
	count(n);
	__real_x25519_batch(jobs, n);
}

void __wrap_x25519_public(struct wg_public *out, const struct wg_private *key)
{
	count(1);
	__real_x25519_public(out, key);
}

uint64_t __wrap_clock_boot_ns(void);

/* It stands still: on a slow machine, initiations would be repeated. */
uint64_t __wrap_clock_boot_ns(void)
{
	return 1000 * NS_PER_S;
}

void __real_threads_publish_begin(struct thread_pool *p);
void __real_threads_publish_end(struct thread_pool *p);
void __wrap_threads_publish_begin(struct thread_pool *p);
void __wrap_threads_publish_end(struct thread_pool *p);

void __wrap_threads_publish_begin(struct thread_pool *p)
{
	__real_threads_publish_begin(p);
	if (p->publish_depth > 1)
		return;
	routes_cap = c.tunnel->routes.cap;
	peers_mask = c.tunnel->peers.mask;
}

void __wrap_threads_publish_end(struct thread_pool *p)
{
	grown += c.tunnel->routes.cap != routes_cap || c.tunnel->peers.mask != peers_mask;
	__real_threads_publish_end(p);
}

/* Sets a private key, and for each peer endpoint, keepalive, and allowed IP 10.0.X.Y/32. */
static void set(uint8_t key, uint32_t flags)
{
	struct wg_device d = { .flags = WG_DEVICE_HAS_PRIVATE_KEY | flags };

	d.private_key.b[7] = key;
	for (uint32_t i = 0; i < PEERS; i++) {
		struct wg_peer *p = device_add_peer(&d);
		struct wg_allowedip *a = p ? peer_add_allowedip(p) : NULL;
		assert_non_null(a);
		p->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT | WG_PEER_HAS_KEEPALIVE;
		p->keepalive_s = key;
		p->public_key = (struct wg_public){ { 9, (uint8_t)i, (uint8_t)(i >> 8) } };
		p->endpoint.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, key });
		p->endpoint.port = 1;
		a->prefix.addr = ip_v4((const uint8_t[4]){ 10, 0, (uint8_t)(i >> 8), (uint8_t)i });
		a->prefix.bits = 32;
	}
	assert_int_equal(config_set(&c, &d), 0);
	device_free(&d);
}

/* Stages a packet for each peer, and requests a new session as reader sections do until a publication begins. */
static void request_sessions(void)
{
	uint64_t now_ns = clock_boot_ns();

	for (struct wg_tunnel_peer *p = NULL; (p = tunnel_peer_next(c.tunnel, p));) {
		uint8_t packet[PACKET] = { 0x45, [3] = PACKET, [16] = 10, 0, p->key.b[2], p->key.b[1] };
		struct wg_buf buf = { .src = packet, .n = PACKET, .verdict = WG_CONTROL };
		struct wg_batch b = { &buf, 1, NULL, 0 };
		tunnel_control_tun(c.tunnel, now_ns, &b);
		assert_int_equal(buf.drop, WG_DROP_NONE);
	}
	for (struct wg_tunnel_peer *p = NULL; (p = tunnel_peer_next(c.tunnel, p));)
		peer_wake(c.tunnel, p, WAKE_REKEY);
}

/* One initiation to the current endpoint of each peer, and nothing else. */
static void expect_initiations(uint8_t last)
{
	static uint8_t datagram[WG_DATAGRAM_MAX];
	struct wg_buf out = { .dst = datagram };
	struct wg_path to;
	size_t n = 0;

	while (tunnel_control_next(c.tunnel, clock_boot_ns(), &out, &to)) {
		assert_int_equal(out.out_n, MSG_INITIATION_BYTES);
		assert_int_equal(to.remote.addr.b[3], last);
		n++;
	}
	assert_int_equal(n, PEERS);
}

static int start(void **state)
{
	(void)state;
	assert_int_equal(control_init(&c, 0, 2), 0);
	c.up = c.link.now.up = true;
	tunnel_up(c.tunnel, clock_boot_ns());
	grown = 0;
	set(1, 0);
	assert_int_equal(grown, 0);
	assert_true(c.tunnel->routes.cap >= PEERS && c.tunnel->peers.mask >= PEERS);
	request_sessions();
	computed = inside = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	control_free(&c);
	return 0;
}

static void changing_peers_computes_nothing(void **state)
{
	(void)state;
	set(1, 0);
	assert_int_equal(computed, 0);
	expect_initiations(1);
	assert_int_equal(computed, 3 * PEERS);
	assert_int_equal(inside, 0);
}

/* The old key initiates nothing, and the new public key is computed before the publication. */
static void replacing_the_key_computes_outside_publications(void **state)
{
	(void)state;
	set(2, 0);
	assert_int_equal(computed, 1);
	expect_initiations(2);
	assert_int_equal(computed, 1 + 3 * PEERS);
	assert_int_equal(inside, 0);
}

static void replacing_key_and_peers_computes_outside_publications(void **state)
{
	(void)state;
	set(2, WG_DEVICE_REPLACE_PEERS);
	assert_int_equal(computed, 1);
	request_sessions();
	expect_initiations(2);
	assert_int_equal(inside, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(changing_peers_computes_nothing, start, end),
		cmocka_unit_test_setup_teardown(replacing_the_key_computes_outside_publications, start, end),
		cmocka_unit_test_setup_teardown(replacing_key_and_peers_computes_outside_publications, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
