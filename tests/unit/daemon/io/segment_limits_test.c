/* The limits of paths: each has its own, for a while; the table is bounded, and never takes the limit of one path for
 * that of another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/segment_limits.h"

#define NOW (5 * NS_PER_S)

static struct segment_limits limits;

static struct wg_path path_to(uint32_t i)
{
	uint8_t b[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	store_le32(b + 12, i);
	return (struct wg_path){ .remote = { .addr = i % 2 ? ip_v6(b) : ip_v4(b + 12), .port = 51820 } };
}

static uint32_t find(const struct wg_path *p, uint64_t now_ns)
{
	return segment_limits_find(&limits, p, now_ns);
}

static void a_limit_belongs_to_its_path(void **state)
{
	const uint8_t here[4] = { 10, 0, 0, 1 };
	struct wg_path p = path_to(7), other;

	(void)state;
	limits = (struct segment_limits){ 0 };
	assert_int_equal(find(&p, NOW), UINT32_MAX);
	segment_limits_note(&limits, &p, 1451, NOW);
	assert_int_equal(find(&p, NOW), 1451);
	other = p;
	other.remote.port++;
	assert_int_equal(find(&other, NOW), UINT32_MAX);
	other = p;
	other.remote.scope = 2;
	assert_int_equal(find(&other, NOW), UINT32_MAX);
	other = p;
	other.local = ip_v4(here);
	assert_int_equal(find(&other, NOW), UINT32_MAX);
	other = path_to(9);
	assert_int_equal(find(&other, NOW), UINT32_MAX);
	other = p;
	other.ifindex = 3; /* is not sent */
	other.tx_index = 8;
	assert_int_equal(find(&other, NOW), 1451);
}

static void a_limit_expires_and_is_replaced(void **state)
{
	struct wg_path p = path_to(7), q = path_to(8);

	(void)state;
	limits = (struct segment_limits){ 0 };
	segment_limits_note(&limits, &p, 1451, NOW);
	segment_limits_note(&limits, &q, 0, NOW + 2);
	assert_int_equal(find(&p, NOW + SEGMENT_LIMIT_NS - 1), 1451);
	assert_int_equal(find(&p, NOW + SEGMENT_LIMIT_NS), UINT32_MAX);
	assert_int_equal(find(&q, NOW + SEGMENT_LIMIT_NS), 0);
	segment_limits_note(&limits, &p, 1300, NOW + 3);
	assert_int_equal(find(&p, NOW + SEGMENT_LIMIT_NS), 1300);
	segment_limits_note(&limits, &p, 1200, NOW + 4); /* not a second entry */
	assert_int_equal(find(&p, NOW + SEGMENT_LIMIT_NS), 1200);
	assert_int_equal(find(&p, NOW + SEGMENT_LIMIT_NS + 4), UINT32_MAX);
	segment_limits_note(&limits, &p, 1451, NOW + 5);
	segment_limits_clear(&limits);
	assert_int_equal(find(&p, NOW + 5), UINT32_MAX);
	segment_limits_clear(&limits);
}

/* Many more paths than places: the latest has its limit, and each path has its own or none. */
static void many_paths_displace_each_other(void **state)
{
	uint32_t found = 0;

	(void)state;
	limits = (struct segment_limits){ 0 };
	for (uint32_t i = 0; i < 20 * SEGMENT_LIMITS; i++) {
		struct wg_path p = path_to(i);
		segment_limits_note(&limits, &p, i, NOW + i);
		assert_int_equal(find(&p, NOW + i), i);
	}
	for (uint32_t i = 0; i < 20 * SEGMENT_LIMITS; i++) {
		struct wg_path p = path_to(i);
		uint32_t limit = find(&p, NOW + i);
		assert_true(limit == i || limit == UINT32_MAX);
		found += limit == i;
	}
	assert_in_range(found, SEGMENT_LIMITS * 3 / 4, SEGMENT_LIMITS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_belongs_to_its_path),
		cmocka_unit_test(a_limit_expires_and_is_replaced),
		cmocka_unit_test(many_paths_displace_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
