/* Mailbox: mail arrives once, complete, in the order each thread posted it, or is counted as dropped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <sched.h>
#include "daemon/threads/mailbox.h"
#include "../../../lib/aborts.h"

enum { THREADS = 4, EACH = 20000, CAPACITY = 16 << 10 };

static struct mailbox m;
static _Atomic uint64_t refused;

static void *post(void *ctx)
{
	uint8_t thread = *(const uint8_t *)ctx, bytes[200];

	for (uint32_t i = 0; i < EACH; i++) {
		struct mail header = { .kind = MAIL_PACKET, .tos = thread, .n = 4 + i % 190 };
		memset(bytes, (int)(thread + i), header.n);
		store_be32(bytes, i);
		if (!mailbox_post(&m, &header, bytes)) {
			refused++;
			sched_yield();
		}
	}
	return NULL;
}

static void mail_of_many_threads_arrives_complete_and_in_order(void **state)
{
	static uint8_t names[THREADS] = { 0, 1, 2, 3 };
	uint32_t next[THREADS] = { 0 }, got = 0;
	pthread_t threads[THREADS];
	const struct mail *x;

	(void)state;
	assert_true(mailbox_init(&m, CAPACITY));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post, &names[i]), 0);
	while (got + refused < THREADS * EACH || !mailbox_is_empty(&m)) {
		while ((x = mailbox_next(&m))) {
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
	mailbox_free(&m);
}

static void a_full_mailbox_drops_mail_and_works_afterwards(void **state)
{
	static uint8_t big[WG_DATAGRAM_MAX + 1];
	const uint8_t there[4] = { 192, 0, 2, 1 };
	struct wg_path path = { .remote = { .addr = ip_v4(there), .port = 7 }, .ifindex = 3 };
	struct mail long_mail = { .kind = MAIL_PACKET, .n = sizeof big };
	struct mail source = { .kind = MAIL_HANDSHAKE, .path = path, .tos = 5, .ticket = 9 };
	const struct mail *x;
	int n = 0;

	(void)state;
	assert_true(mailbox_init(&m, 1 << 20));
	assert_false(mailbox_post(&m, &long_mail, big));
	long_mail.n = WG_DATAGRAM_MAX;
	while (mailbox_post(&m, &long_mail, big))
		n++;
	assert_int_equal(n, 15);
	assert_int_equal(mailbox_waiting(&m) / WG_DATAGRAM_MAX, 15);
	assert_false(mailbox_is_empty(&m));
	for (; n > 0; n--)
		assert_int_equal(mailbox_next(&m)->n, WG_DATAGRAM_MAX);
	assert_true(mailbox_post(&m, &source, NULL));
	x = mailbox_peek(&m);
	assert_false(mailbox_is_empty(&m));
	assert_ptr_equal(mailbox_next(&m), x);
	assert_int_equal(x->ticket, 9);
	assert_int_equal(x->kind, MAIL_HANDSHAKE);
	assert_int_equal(x->n, 0);
	assert_int_equal(x->tos, 5);
	assert_true(endpoint_equal(&x->path.remote, &path.remote));
	assert_int_equal(x->path.ifindex, 3);
	assert_null(mailbox_next(&m));
	assert_true(mailbox_is_empty(&m));
	mailbox_free(&m);
	mailbox_free(&m);
}

static void read_mail(void *ctx)
{
	(void)ctx;
	(void)mailbox_peek(&m);
}

static void post_mail(void *ctx)
{
	if (mailbox_post(&m, ctx, NULL))
		return;
}

static void mail_outside_the_bounds_of_the_mailbox_aborts(void **state)
{
	struct mail header = { .kind = MAIL_HANDSHAKE }, *x;

	(void)state;
	assert_true(mailbox_init(&m, CAPACITY));
	assert_true(mailbox_post(&m, &header, NULL));
	x = (struct mail *)(void *)m.posted.buffer;
	x->n = 1; /* more than was posted */
	assert_true(aborts(read_mail, NULL));
	m.posted.used = CAPACITY + 8;
	assert_true(aborts(post_mail, &header));
	mailbox_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_of_many_threads_arrives_complete_and_in_order),
		cmocka_unit_test(a_full_mailbox_drops_mail_and_works_afterwards),
		cmocka_unit_test(mail_outside_the_bounds_of_the_mailbox_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
