/* Peers: the table by public key, staged packets, and the path of packets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/peer.h"

static size_t total; /* staged bytes of all queues */

static void test_size(void **state)
{
	(void)state;
	/* with its entries in heap, table and routes well below the 2 KiB that an idle peer may use */
	assert_true(sizeof(struct wg_tunnel_peer) <= 640);
}

static void test_staged_queue_drops_the_oldest(void **state)
{
	struct staged_queue q = { 0 };
	uint32_t dropped, all = 0;

	(void)state;
	for (uint32_t i = 0; i < WG_STAGED_MAX + 7; i++) {
		uint8_t b = (uint8_t)i;

		assert_true(staged_add(&q, &total, &b, 1, &dropped));
		all += dropped;
	}
	assert_int_equal(all, 7);
	assert_int_equal(q.n, WG_STAGED_MAX);
	for (uint32_t i = 7; i < WG_STAGED_MAX + 7; i++) {
		struct staged *s = staged_pop(&q, &total);

		assert_non_null(s);
		assert_int_equal(s->bytes[0], i);
		staged_free(s);
	}
	assert_null(staged_pop(&q, &total));
	assert_null(q.last);
	staged_free(NULL);
}

static void test_keepalives_do_not_count_as_dropped(void **state)
{
	struct staged_queue q = { 0 };
	uint32_t dropped;

	(void)state;
	assert_true(staged_add(&q, &total, NULL, 0, &dropped));
	assert_true(staged_add(&q, &total, (const uint8_t *)"abc", 3, &dropped));
	assert_int_equal(staged_drop_all(&q, &total), 1);
	assert_int_equal(q.n, 0);
	assert_int_equal(staged_drop_all(&q, &total), 0);
}

static void test_staged_packets_share_a_limit(void **state)
{
	static uint8_t large[60000];
	static struct staged_queue queues[400], late;
	uint32_t dropped;

	(void)state;
	assert_int_equal(total, 0);
	for (size_t i = 0; i < ARRAY_LEN(queues); i++)
		for (int k = 0; k < WG_STAGED_MAX; k++) {
			large[0] = (uint8_t)k;
			assert_true(staged_add(&queues[i], &total, large, sizeof large, &dropped));
		}
	assert_true(total < STAGED_BYTES_MAX + ARRAY_LEN(queues) * (sizeof large + 64));
	assert_int_equal(queues[0].n, WG_STAGED_MAX);
	assert_true(queues[30].n > 1 && queues[30].n < WG_STAGED_MAX); /* its oldest gave way to its newest */
	assert_int_equal(queues[30].first->bytes[0], WG_STAGED_MAX - queues[30].n);
	assert_int_equal(queues[399].n, 1);
	/* however many others stage as much as they can, a peer has its newest packet */
	for (uint8_t k = 0; k < 3; k++) {
		assert_true(staged_add(&late, &total, &k, 1, &dropped));
		assert_int_equal(late.n, 1);
		assert_int_equal(late.first->bytes[0], k);
	}
	for (size_t i = 0; i < ARRAY_LEN(queues); i++)
		staged_drop_all(&queues[i], &total);
	assert_int_equal(staged_drop_all(&late, &total), 1);
	assert_int_equal(total, 0);
}

static struct wg_public key_of(uint32_t i)
{
	struct wg_public key = { { 0 } };

	store_le32(key.b + 3, i);
	return key;
}

/* bits: how many bits hashes have; with few, they collide. */
static void random_walk(uint32_t bits)
{
	enum { N = 500 };
	static struct wg_tunnel_peer *peers[N];
	struct peer_table t = { 0 };
	uint32_t x = 1, n = 0;

	memset(peers, 0, sizeof peers);
	assert_null(peer_table_find(&t, &(struct wg_public){ { 1 } }, 0));
	for (int step = 0; step < 20000; step++) {
		uint32_t i, hash;
		struct wg_public key;

		x = x * 1664525u + 1013904223u;
		i = (x >> 12) % N;
		hash = (i * 2654435761u) & bits;
		key = key_of(i);
		assert_ptr_equal(peer_table_find(&t, &key, hash), peers[i]);
		if (peers[i]) {
			peer_table_remove(&t, peers[i]);
			peer_delete(peers[i], &total);
			peers[i] = NULL;
			n--;
		} else {
			peers[i] = peer_create(&key, hash);
			assert_true(peers[i] && peer_table_reserve(&t, 1));
			peer_table_add(&t, peers[i]);
			n++;
		}
		assert_int_equal(t.n, n);
	}
	for (uint32_t i = 0; i < N; i++)
		if (peers[i])
			peer_delete(peers[i], &total);
	free(t.slots);
}

static void test_table(void **state)
{
	struct peer_table t = { 0 };

	(void)state;
	random_walk(UINT32_MAX);
	random_walk(7);
	random_walk(0);
	assert_false(peer_table_reserve(&t, UINT32_MAX));
	assert_true(peer_table_reserve(&t, 1000));
	assert_true(t.mask >= 1999);
	free(t.slots);
}

static void test_path(void **state)
{
	struct wg_public key = key_of(1);
	struct wg_tunnel_peer *p = peer_create(&key, 1);
	struct wg_path path = { .ifindex = 3 }, got;

	(void)state;
	assert_non_null(p);
	assert_false(atomic_load(&p->has_endpoint));
	path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 });
	path.remote.port = 5;
	path.local = ip_v4((const uint8_t[4]){ 192, 0, 2, 2 });
	peer_set_path(p, &path);
	assert_true(atomic_load(&p->has_endpoint));
	peer_path(p, &got);
	assert_true(path_equal(&got, &path));
	peer_clear_source(p);
	peer_path(p, &got);
	assert_true(endpoint_equal(&got.remote, &path.remote));
	assert_int_equal(got.local.family, IP_NONE);
	assert_int_equal(got.ifindex, 0);
	assert_false(path_equal(&got, &path));
	peer_delete(p, &total);
}

static void test_roaming(void **state)
{
	struct wg_public key = key_of(1);
	struct wg_tunnel_peer *p = peer_create(&key, 1);
	struct wg_session s = { .peer = p, .created_ns = 1 }, next = { .peer = p, .created_ns = 2 };
	struct wg_path a = { .ifindex = 3 }, b, zero, got;

	(void)state;
	assert_non_null(p);
	a.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 });
	zero = b = a;
	peer_learn_path(p, &zero); /* nothing can be sent to port 0 */
	assert_false(atomic_load(&p->has_endpoint));
	a.remote.port = 5;
	b.remote.port = 6;
	peer_roam(&s, 5, 0, &a);
	assert_true(atomic_load(&p->has_endpoint));
	peer_roam(&s, 5, 9, &b);
	peer_roam(&s, 5, 8, &a); /* by a thread that was late */
	peer_path(p, &got);
	assert_true(path_equal(&got, &b));
	peer_roam(&s, 5, 10, &zero);
	peer_path(p, &got);
	assert_true(path_equal(&got, &b));
	peer_roam(&next, 5, 0, &a); /* another session counts from 0 */
	peer_path(p, &got);
	assert_true(path_equal(&got, &a));
	peer_learn_path(p, &b);
	peer_path(p, &got);
	assert_true(path_equal(&got, &b));
	peer_delete(p, &total);
}

/* A datagram of the previous session that was long on its way does not undo that the peer roamed. */
static void test_late_previous_session(void **state)
{
	struct wg_public key = key_of(1);
	struct wg_tunnel_peer *p = peer_create(&key, 1);
	struct wg_session old = { .peer = p, .created_ns = 10 }, other = { .peer = p, .created_ns = 20 },
			  same = { .peer = p, .created_ns = 20 };
	struct wg_path a = { .ifindex = 3 }, b, got;
	const uint64_t heard_ns = 100;

	(void)state;
	assert_non_null(p);
	a.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 });
	a.remote.port = 5;
	b = a;
	b.remote.port = 6;
	peer_roam(&old, 50, 0, &a);
	peer_roam(&other, heard_ns, 0, &b);
	peer_roam(&old, heard_ns + 1, 1, &a);
	peer_path(p, &got);
	assert_true(path_equal(&got, &b));
	peer_roam(&old, heard_ns + ROAM_LATE_NS - 1, 2, &a);
	peer_path(p, &got);
	assert_true(path_equal(&got, &b));
	peer_roam(&old, heard_ns + ROAM_LATE_NS, 3, &a); /* the peer sends with this one: nothing else came since */
	peer_path(p, &got);
	assert_true(path_equal(&got, &a));
	peer_roam(&same, heard_ns + ROAM_LATE_NS, 0, &b); /* begun at the same time: neither is older */
	peer_roam(&other, heard_ns + ROAM_LATE_NS, 1, &a);
	peer_path(p, &got);
	assert_true(path_equal(&got, &a));
	peer_delete(p, &total);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_staged_queue_drops_the_oldest),
		cmocka_unit_test(test_keepalives_do_not_count_as_dropped),
		cmocka_unit_test(test_staged_packets_share_a_limit),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_roaming),
		cmocka_unit_test(test_late_previous_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
