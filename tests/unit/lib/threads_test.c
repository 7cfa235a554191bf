/* Threads: instances that use different implementations at the same time, and threads that seal and open packets of one
 * instance while the control half changes its peers. */
#include "lib/wgproto.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 300, THREADS = 3 };
static const uint64_t second = 1000000000;

/* Also in other threads, where an assertion of cmocka cannot end a test. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

struct side {
	struct wgproto *w;
	uint8_t public[32];
	pthread_rwlock_t lock;
};

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static void publish_begin(void *ctx)
{
	(void)pthread_rwlock_wrlock(&((struct side *)ctx)->lock);
}

static void publish_end(void *ctx)
{
	(void)pthread_rwlock_unlock(&((struct side *)ctx)->lock);
}

static void side_new(struct side *s, uint8_t seed, const char *cpu)
{
	const struct wgproto_env env = { .size = sizeof env, .ctx = s, .realtime = env_realtime, .publish_begin = publish_begin,
					 .publish_end = publish_end, .cpu = cpu };
	uint8_t key[32] = { [1] = seed };

	must(pthread_rwlock_init(&s->lock, NULL) == 0);
	must(wgproto_new(&s->w, &env) == WGPROTO_OK);
	must(wgproto_set_private_key(s->w, key, 32) == WGPROTO_OK);
	must(wgproto_public_key(s->w, s->public, 32) == WGPROTO_OK);
	must(wgproto_up(s->w, second) == WGPROTO_OK);
}

static void side_free(struct side *s)
{
	wgproto_free(s->w);
	(void)pthread_rwlock_destroy(&s->lock);
}

static void side_peer(struct side *s, const struct side *to, uint8_t n)
{
	struct wgproto_endpoint endpoint = { .addr = { .family = 4, .b = { 192, 0, 2, n } }, .port = 1 };
	struct wgproto_prefix prefix = { .addr = { .family = 4, .b = { 10, 0, 0, n } }, .bits = 32 };

	must(wgproto_peer_add(s->w, to->public, 32) == WGPROTO_OK);
	must(wgproto_peer_set_endpoint(s->w, to->public, 32, &endpoint) == WGPROTO_OK);
	must(wgproto_allow(s->w, to->public, 32, &prefix) == WGPROTO_OK);
}

static const uint8_t ping[60] = { 0x45, 0, 0, 60, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };

/* In a reader section. True: it is a datagram for the other side. */
static bool seal(struct side *s, struct wgproto_packet *p, uint8_t *space)
{
	bool ok;

	*p = (struct wgproto_packet){ .src = ping, .src_bytes = sizeof ping, .dst = space,
				      .dst_space = WGPROTO_SEALED_BYTES(sizeof ping) };
	(void)pthread_rwlock_rdlock(&s->lock);
	ok = wgproto_seal(s->w, second, p, 1) == WGPROTO_OK && p->action == WGPROTO_SEND;
	(void)pthread_rwlock_unlock(&s->lock);
	return ok;
}

static bool open_one(struct side *s, const uint8_t *bytes, size_t n)
{
	uint8_t packet[256];
	struct wgproto_packet p = { .src = bytes, .src_bytes = n, .dst = packet, .dst_space = sizeof packet };
	bool ok;

	p.path.remote = (struct wgproto_endpoint){ .addr = { .family = 4, .b = { 192, 0, 2, 1 } }, .port = 1 };
	(void)pthread_rwlock_rdlock(&s->lock);
	ok = wgproto_open(s->w, second, &p, 1) == WGPROTO_OK && p.action == WGPROTO_DELIVER;
	(void)pthread_rwlock_unlock(&s->lock);
	return ok;
}

/* In one thread: a session between both. */
static void connect_sides(struct side *a, struct side *b)
{
	static _Thread_local uint8_t space[WGPROTO_DATAGRAM_MAX], packet[WGPROTO_DATAGRAM_MAX];
	struct wgproto_packet out = { .dst = space, .dst_space = sizeof space };
	struct side *side[2] = { a, b };

	must(wgproto_peer_send_keepalive(a->w, b->public, 32) == WGPROTO_OK);
	for (int i = 0; i < 3; i++) /* initiation, response, keepalive */
		while (wgproto_next(side[i % 2]->w, second, &out) == WGPROTO_OK) {
			struct wgproto_packet p = { .src = space, .src_bytes = out.dst_bytes, .dst = packet,
						    .dst_space = sizeof packet };

			p.path.remote = out.path.remote;
			must(wgproto_open(side[!(i % 2)]->w, second, &p, 1) == WGPROTO_OK);
			must(wgproto_control_datagrams(side[!(i % 2)]->w, second, &p, 1, false) == WGPROTO_OK);
		}
	while (wgproto_next(b->w, second, &out) == WGPROTO_OK)
		continue; /* it has the session */
}

/* A thread with two instances of different implementations. */
static void *pair_of_implementations(void *arg)
{
	static const char *const cpus[THREADS][2] = { { "generic", "auto" }, { "auto", "auto" }, { "ssse3", "generic" } };
	const char *const *cpu = cpus[*(const int *)arg];
	uint8_t space[WGPROTO_SEALED_BYTES(sizeof ping)];
	uintptr_t arrived = 0;
	struct side a, b;
	struct wgproto_packet p;

	side_new(&a, 1, cpu[0]);
	side_new(&b, 2, cpu[1]);
	side_peer(&a, &b, 2);
	side_peer(&b, &a, 1);
	connect_sides(&a, &b);
	for (int i = 0; i < ROUNDS; i++)
		arrived += seal(&a, &p, space) && open_one(&b, space, p.dst_bytes);
	side_free(&a);
	side_free(&b);
	return (void *)arrived;
}

static void test_instances_in_threads(void **state)
{
	pthread_t thread[THREADS];
	int number[THREADS];
	void *arrived;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, pair_of_implementations, &number[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], &arrived), 0);
		assert_int_equal((uintptr_t)arrived, ROUNDS);
	}
}

struct shared {
	struct side a, b;
	_Atomic int arrived, started;
};

static void *data_half(void *arg)
{
	uint8_t space[WGPROTO_SEALED_BYTES(sizeof ping)];
	struct shared *x = arg;
	struct wgproto_packet p;

	atomic_fetch_add(&x->started, 1);
	for (int i = 0; i < ROUNDS; i++)
		if (seal(&x->a, &p, space) && open_one(&x->b, space, p.dst_bytes))
			atomic_fetch_add(&x->arrived, 1);
	return NULL;
}

/* Meanwhile the control half adds and removes other peers. */
static void test_threads_of_one_instance(void **state)
{
	static struct shared x;
	struct side other = { .public = { 9 } };
	pthread_t thread[THREADS];

	(void)state;
	side_new(&x.a, 1, NULL);
	side_new(&x.b, 2, NULL);
	side_peer(&x.a, &x.b, 2);
	side_peer(&x.b, &x.a, 1);
	connect_sides(&x.a, &x.b);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, data_half, &x), 0);
	while (atomic_load(&x.started) < THREADS)
		continue;
	for (int i = 0; i < ROUNDS; i++) {
		side_peer(&x.a, &other, 77);
		assert_int_equal(wgproto_peer_remove(x.a.w, other.public, 32), WGPROTO_OK);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(atomic_load(&x.arrived), THREADS * ROUNDS);
	assert_int_equal(wgproto_drops(x.b.w, WGPROTO_DROP_REPLAY), 0);
	side_free(&x.a);
	side_free(&x.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances_in_threads),
		cmocka_unit_test(test_threads_of_one_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
