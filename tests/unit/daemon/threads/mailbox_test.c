/* What threads hand over arrives once, whole, in each thread's order, or is counted as lost. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sched.h>
#include "daemon/threads/mailbox.h"

enum { THREADS = 4, EACH = 20000, ROOM = 16 << 10 };

static struct handover h;
static _Atomic uint64_t refused;

static void *put(void *ctx)
{
	uint8_t who = *(const uint8_t *)ctx, bytes[200];

	for (uint32_t i = 0; i < EACH; i++) {
		struct handed head = { .kind = HANDED_PACKET, .tos = who, .n = 4 + i % 190 };
		memset(bytes, (int)(who + i), head.n);
		store_be32(bytes, i);
		if (!handover_put(&h, &head, bytes)) {
			refused++;
			sched_yield();
		}
	}
	return NULL;
}

static void many_put_one_takes(void **state)
{
	static uint8_t names[THREADS] = { 0, 1, 2, 3 };
	uint32_t next[THREADS] = { 0 }, got = 0;
	pthread_t threads[THREADS];
	const struct handed *x;

	(void)state;
	assert_true(handover_init(&h, ROOM));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put, &names[i]), 0);
	while (got + refused < THREADS * EACH || !handover_is_empty(&h)) {
		while ((x = handover_next(&h))) {
			uint32_t i = load_be32(x->bytes);
			assert_true(i >= next[x->tos]);
			assert_int_equal(x->n, 4 + i % 190);
			for (uint32_t k = 4; k < x->n; k++)
				assert_int_equal(x->bytes[k], (uint8_t)(x->tos + i));
			next[x->tos] = i + 1;
			got++;
		}
		sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(got + refused, THREADS * EACH);
	assert_int_equal(handover_lost(&h), refused);
	handover_free(&h);
}

static void a_full_one_refuses_and_goes_on(void **state)
{
	static uint8_t big[WG_DATAGRAM_MAX + 1];
	const uint8_t there[4] = { 192, 0, 2, 1 };
	struct wg_path path = { .remote = { .addr = ip_v4(there), .port = 7 }, .ifindex = 3 };
	struct handed much = { .kind = HANDED_PACKET, .n = sizeof big };
	struct handed source = { .kind = HANDED_SOURCE, .path = path, .tos = 5, .ticket = 9 };
	const struct handed *x;
	int n = 0;

	(void)state;
	assert_true(handover_init(&h, 1 << 20));
	assert_false(handover_put(&h, &much, big));
	much.n = WG_DATAGRAM_MAX;
	while (handover_put(&h, &much, big))
		n++;
	assert_int_equal(n, 15);
	assert_int_equal(handover_lost(&h), 2);
	assert_false(handover_is_empty(&h));
	for (; n > 0; n--)
		assert_int_equal(handover_next(&h)->n, WG_DATAGRAM_MAX);
	assert_true(handover_put(&h, &source, NULL));
	x = handover_peek(&h);
	assert_false(handover_is_empty(&h));
	assert_ptr_equal(handover_next(&h), x);
	assert_int_equal(x->ticket, 9);
	assert_int_equal(x->kind, HANDED_SOURCE);
	assert_int_equal(x->n, 0);
	assert_int_equal(x->tos, 5);
	assert_true(endpoint_equal(&x->path.remote, &path.remote));
	assert_int_equal(x->path.ifindex, 3);
	assert_null(handover_next(&h));
	assert_true(handover_is_empty(&h));
	handover_free(&h);
	handover_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_put_one_takes),
		cmocka_unit_test(a_full_one_refuses_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
