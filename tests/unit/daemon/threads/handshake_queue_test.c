/* The queue of handshake messages: its bounds, and that no kind of message displaces or delays the other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/threads/handshake_queue.h"

static struct handshake_queue q;
static unsigned int n_refused;

static void add(uint8_t type, uint8_t number)
{
	uint8_t message[HANDSHAKE_BYTES_MAX] = { type, 0, 0, 0, number };
	struct wg_path path = { .remote.port = number };

	n_refused += !handshake_queue_add(&q, &path, number, message, sizeof message - type);
}

static void expect(uint8_t type, uint8_t number)
{
	const struct waiting_handshake *h = handshake_queue_take(&q);

	assert_non_null(h);
	assert_int_equal(h->bytes[0], type);
	assert_int_equal(h->bytes[4], number);
	assert_int_equal(h->path.remote.port, number);
	assert_int_equal(h->tos, number);
	assert_int_equal(h->n, HANDSHAKE_BYTES_MAX - type);
}

static void messages_of_a_kind_stay_in_order(void **state)
{
	(void)state;
	assert_null(handshake_queue_take(&q));
	for (unsigned int round = 0; round < 3 * HANDSHAKE_RING; round++) {
		add(1, (uint8_t)round);
		add(1, (uint8_t)(round + 1));
		expect(1, (uint8_t)round);
		expect(1, (uint8_t)(round + 1));
	}
	assert_int_equal(handshake_queue_n(&q), 0);
	assert_null(handshake_queue_take(&q));
}

static void a_reply_passes_a_full_ring_of_initiations(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HANDSHAKE_RING + 10; i++)
		add(1, (uint8_t)i);
	assert_int_equal(n_refused, 10);
	assert_int_equal(handshake_queue_space(&q, UDP_INITIATIONS), 0);
	assert_int_equal(handshake_queue_space(&q, UDP_REPLIES), HANDSHAKE_RING);
	for (unsigned int i = 0; i < HANDSHAKE_RING / 2; i++) {
		unsigned int tries = 1;
		add(i % 2 ? 2 : 3, (uint8_t)i);
		while (handshake_queue_take(&q)->bytes[0] == 1)
			assert_true(tries++ < 2);
	}
	assert_int_equal(n_refused, 10);
	while (handshake_queue_take(&q))
		;
	assert_int_equal(handshake_queue_n(&q), 0);
}

static void an_initiation_passes_a_full_ring_of_replies(void **state)
{
	(void)state;
	n_refused = 0;
	for (unsigned int i = 0; i < HANDSHAKE_RING + 10; i++)
		add(i % 2 ? 2 : 3, (uint8_t)i);
	assert_int_equal(n_refused, 10);
	add(1, 77);
	if (handshake_queue_take(&q)->bytes[0] != 1)
		expect(1, 77);
	assert_int_equal(handshake_queue_space(&q, UDP_INITIATIONS), HANDSHAKE_RING);
	while (handshake_queue_take(&q))
		;
}

static void a_message_that_is_too_long_is_dropped(void **state)
{
	uint8_t message[HANDSHAKE_BYTES_MAX + 1] = { 1 };
	struct wg_path path = { 0 };

	(void)state;
	assert_false(handshake_queue_add(&q, &path, 0, message, sizeof message));
	assert_int_equal(handshake_queue_n(&q), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_a_kind_stay_in_order),
		cmocka_unit_test(a_reply_passes_a_full_ring_of_initiations),
		cmocka_unit_test(an_initiation_passes_a_full_ring_of_replies),
		cmocka_unit_test(a_message_that_is_too_long_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
