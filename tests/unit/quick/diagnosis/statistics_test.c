/* Reading the statistics of wireguardd, and texts that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/diagnosis/statistics.h"

static const char text[] = "# TYPE wireguardd_build info\n"
			   "wireguardd_build_info{interface=\"wg0\",version=\"1.0.0\"} 1\n"
			   "wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"handshake\",reason=\"mac1\"} 7\n"
			   "wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"send\",reason=\"down\"} 2\n"
			   "wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"receive\",reason=\"down\"} 3\n"
			   "# EOF\n";

static uint64_t sum(const char *name, const char *first, const char *second)
{
	const char *labels[2] = { first, second };
	uint64_t value = 0;

	return statistics_sum(&value, span_of(text), name, labels) ? value : 999;
}

static void values(void **state)
{
	char version[16];

	(void)state;
	assert_true(statistics_label(version, sizeof version, span_of(text), "wireguardd_build_info", "version"));
	assert_string_equal(version, "1.0.0");
	assert_false(statistics_label(version, sizeof version, span_of(text), "wireguardd_build_info", "vers"));
	assert_false(statistics_label(version, 5, span_of(text), "wireguardd_build_info", "version"));
	assert_false(statistics_label(version, sizeof version, span_of(text), "wireguardd_build", "version"));
	assert_int_equal(sum("wireguardd_dropped_packets_total", "scope=\"handshake\"", "reason=\"mac1\""), 7);
	assert_int_equal(sum("wireguardd_dropped_packets_total", "reason=\"down\"", NULL), 5);
	assert_int_equal(sum("wireguardd_dropped_packets_total", NULL, NULL), 12);
	assert_int_equal(sum("wireguardd_dropped_packets_total", "reason=\"replay\"", NULL), 999);
	assert_int_equal(sum("wireguardd_dropped", NULL, NULL), 999);
}

static void nonsense(void **state)
{
	static const char *const texts[] = { "", "\n\n", "a", "a{", "a}", "a{}", "a{} ", "a{b} 1x", "}a{ 1", "a{b=\"c\"" };
	const char *labels[2] = { NULL, NULL };
	char out[8];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_false(statistics_sum(&value, span_of(texts[i]), "a", labels));
		assert_false(statistics_label(out, sizeof out, span_of(texts[i]), "a", "b"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(nonsense) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
