/* OpenMetrics text: names, units, labels of any bytes, and fractions of seconds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/control/openmetrics.h"

static char buffer[2000];
static struct text out;

static struct metrics begin(const char *interface)
{
	out = text_fixed(buffer, sizeof buffer);
	return (struct metrics){ .out = &out, .interface = interface };
}

static void families_of_each_type(void **state)
{
	const struct metric_label labels[METRIC_LABELS_MAX] = { { "scope", "send" }, { "reason", "down" } };
	const struct metric_label second[METRIC_LABELS_MAX] = { { NULL, "left out" }, { "part", "b" } };
	struct metrics m = begin("wg0");

	(void)state;
	metrics_family(&m, METRIC_COUNTER, "dropped_packets", NULL, "Lost.");
	metrics_value(&m, labels, UINT64_MAX);
	metrics_family(&m, METRIC_GAUGE, "staged_bytes", "bytes", "Waiting.");
	metrics_value(&m, NULL, 0);
	metrics_value(&m, second, 1);
	metrics_family(&m, METRIC_INFO, "build", NULL, "Version.");
	metrics_value(&m, labels, 1);
	metrics_end(&m);
	assert_string_equal(buffer,
			    "# TYPE wireguardd_dropped_packets counter\n"
			    "# HELP wireguardd_dropped_packets Lost.\n"
			    "wireguardd_dropped_packets_total{interface=\"wg0\",scope=\"send\",reason=\"down\"} "
			    "18446744073709551615\n"
			    "# TYPE wireguardd_staged_bytes gauge\n"
			    "# UNIT wireguardd_staged_bytes bytes\n"
			    "# HELP wireguardd_staged_bytes Waiting.\n"
			    "wireguardd_staged_bytes{interface=\"wg0\"} 0\n"
			    "wireguardd_staged_bytes{interface=\"wg0\",part=\"b\"} 1\n"
			    "# TYPE wireguardd_build info\n"
			    "# HELP wireguardd_build Version.\n"
			    "wireguardd_build_info{interface=\"wg0\",scope=\"send\",reason=\"down\"} 1\n"
			    "# EOF\n");
}

static void seconds_have_nine_digits(void **state)
{
	struct metrics m = begin("w");

	(void)state;
	metrics_family(&m, METRIC_COUNTER, "t_seconds", "seconds", "T.");
	out.n = 0;
	metrics_seconds(&m, NULL, 0);
	metrics_seconds(&m, NULL, 1);
	metrics_seconds(&m, NULL, 12 * NS_PER_S + 340000000);
	metrics_seconds(&m, NULL, NS_PER_S - 1);
	assert_string_equal(buffer, "wireguardd_t_seconds_total{interface=\"w\"} 0.000000000\n"
				    "wireguardd_t_seconds_total{interface=\"w\"} 0.000000001\n"
				    "wireguardd_t_seconds_total{interface=\"w\"} 12.340000000\n"
				    "wireguardd_t_seconds_total{interface=\"w\"} 0.999999999\n");
}

/* The kernel permits nearly every byte in the name of an interface. */
static void labels_of_any_bytes_are_escaped(void **state)
{
	struct metrics m = begin("a\"b\\c\nd\x01\x7f\xc3\xff{},=#e");

	(void)state;
	metrics_family(&m, METRIC_GAUGE, "up", NULL, "Say \"up\".\n\\");
	metrics_value(&m, NULL, 1);
	assert_string_equal(buffer, "# TYPE wireguardd_up gauge\n"
				    "# HELP wireguardd_up Say \\\"up\\\".\\n\\\\\n"
				    "wireguardd_up{interface=\"a\\\"b\\\\c\\nd????{},=#e\"} 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_of_each_type),
		cmocka_unit_test(seconds_have_nine_digits),
		cmocka_unit_test(labels_of_any_bytes_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
