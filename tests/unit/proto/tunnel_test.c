/* The tunnel through its door: handshake, data, counters of bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

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

static void test_two_pings_count_as_in_the_kernel(void **state)
{
	struct pair *p = pair_new(1);

	(void)state;
	ping_both_ways(p);
	ping_both_ways(p);
	/* 148 + 2 × 128 and 92 + 2 × 128; the keepalive never went, data confirmed the key */
	assert_int_equal(pair_state(p, 0).tx_bytes, 404);
	assert_int_equal(pair_state(p, 0).rx_bytes, 348);
	assert_int_equal(pair_state(p, 1).tx_bytes, 348);
	assert_int_equal(pair_state(p, 1).rx_bytes, 404);
	assert_int_equal(pair_state(p, 0).handshake_s, 1700001000);
	assert_int_equal(pair_state(p, 1).handshake_s, 1700001000);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_pings_count_as_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
