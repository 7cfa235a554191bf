/* How many bytes a slow socket takes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/threads/flow_queue.h"

static uint64_t now_ns = 1000 * NS_PER_S;

static void the_limit_grows_until_the_socket_is_never_empty(void **state)
{
	struct egress_limit e = { 0 };
	int64_t limit = egress_limit_observe(&e, now_ns, 0, false, 1), before;

	(void)state;
	assert_int_equal(limit, EGRESS_SHARE_MIN);
	assert_int_equal(egress_limit_observe(&e, now_ns, 0, true, 1), 2 * EGRESS_SHARE_MIN);
	assert_int_equal(egress_limit_observe(&e, now_ns, 0, true, 1), 4 * EGRESS_SHARE_MIN);
	assert_int_equal(egress_limit_observe(&e, now_ns, 1000, true, 1), 4 * EGRESS_SHARE_MIN - 1000);
	assert_int_equal(egress_limit_observe(&e, now_ns, 0, false, 1), 4 * EGRESS_SHARE_MIN); /* nobody needs more */
	for (int i = 0; i < EGRESS_OBSERVATIONS + 1; i++)
		limit = egress_limit_observe(&e, now_ns += EGRESS_OBSERVE_NS, 1000, true, 1);
	assert_int_equal(limit, 4 * EGRESS_SHARE_MIN - 4 * EGRESS_SHARE_MIN / 8 - 1000);
	before = limit + 1000;
	assert_int_equal(egress_limit_observe(&e, now_ns, 0, true, 1), before + EGRESS_STEP); /* not doubled any more */
	assert_int_equal(egress_limit_observe(&e, now_ns, 0, false, 3), 3 * (before + EGRESS_STEP));
	for (int i = 0; i < 10000; i++)
		limit = egress_limit_observe(&e, now_ns, 0, true, 100);
	assert_int_equal(limit, EGRESS_LIMIT_MAX);
	for (int i = 0; i < 10000; i++)
		limit = egress_limit_observe(&e, now_ns += EGRESS_OBSERVE_NS, 1, true, 1);
	assert_int_equal(limit, EGRESS_SHARE_MIN - 1);
}

/* Two sockets send through one device, which is empty sometimes; one had a far larger limit. */
static void limits_at_one_device_become_equal(void **state)
{
	struct egress_limit e = { .share = 200 << 10, .is_known = true }, f = { .share = 4 << 10, .is_known = true };

	(void)state;
	for (int i = 0; i < 3000; i++) {
		bool idle = e.share + f.share < 100 << 10;
		(void)egress_limit_observe(&e, now_ns, idle ? 0 : 1, true, 1);
		(void)egress_limit_observe(&f, now_ns, idle ? 0 : 1, true, 1);
		now_ns += EGRESS_OBSERVE_NS;
	}
	assert_true(e.share < f.share + f.share / 10 && f.share < e.share + e.share / 10);
	assert_true(e.share + f.share > 80 << 10 && e.share + f.share < 110 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_grows_until_the_socket_is_never_empty),
		cmocka_unit_test(limits_at_one_device_become_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
