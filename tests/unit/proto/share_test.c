/* Shares of a queue: what peers that take as much as they can leave to others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/share.h"

enum { PEERS = 300, TOO_MANY = 5000 };

static struct share_total total;
static struct share peers[PEERS], late;

/* Returns how many packets the peer could append. */
static unsigned int take_all(struct share *peer, uint32_t n, uint32_t part)
{
	unsigned int taken = 0;

	while (taken < TOO_MANY && share_take(&total, peer, n, part))
		taken++;
	assert_true(taken < TOO_MANY);
	return taken;
}

static void one_peer_takes_its_part(void **state)
{
	(void)state;
	share_next_round(&total);
	assert_int_equal(take_all(&peers[0], 60, SHARE_PEER_PART), 341);
	assert_int_equal(take_all(&peers[0], 60, SHARE_PEER_PART), 0);
	share_next_round(&total);
	assert_int_equal(take_all(&peers[0], 60, SHARE_SENDING_PART), 512);
	share_next_round(&total);
	assert_int_equal(take_all(&peers[0], 60000, SHARE_PEER_PART), 11);
}

static void many_peers_leave_space(void **state)
{
	unsigned int all = 0;

	(void)state;
	share_next_round(&total);
	for (int turns = 0; turns < 3; turns++)
		for (int i = 0; i < PEERS; i++)
			all += take_all(&peers[i], 1420, SHARE_PEER_PART);
	assert_in_range(all, 1000, 1024 + PEERS);
	assert_int_equal(take_all(&late, 1420, SHARE_PEER_PART), 1);
}

static void a_packet_larger_than_the_part_fits_alone(void **state)
{
	(void)state;
	share_next_round(&total);
	for (int i = 0; i < PEERS; i++)
		(void)take_all(&peers[i], 1420, SHARE_PEER_PART);
	assert_int_equal(take_all(&late, 60000, SHARE_PEER_PART), 1);
}

static void the_total_is_bounded(void **state)
{
	struct share fresh;
	unsigned int all = 0;

	(void)state;
	share_next_round(&total);
	do {
		fresh = (struct share){ 0 };
		all++;
	} while (all < TOO_MANY && share_take(&total, &fresh, 1420, SHARE_PEER_PART));
	assert_int_equal(all, SHARE_TOTAL_BYTES / SHARE_PACKET_BYTES + 1);
	share_next_round(&total);
	assert_true(share_take(&total, &late, 1420, SHARE_PEER_PART));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_peer_takes_its_part),
		cmocka_unit_test(many_peers_leave_space),
		cmocka_unit_test(a_packet_larger_than_the_part_fits_alone),
		cmocka_unit_test(the_total_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
