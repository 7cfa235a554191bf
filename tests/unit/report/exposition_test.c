/* Metrics of several devices and daemons in both formats, and texts of daemons that are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/exposition.h"

#define FAMILY(name, kind) "# TYPE wireguardd_" name " " kind "\n# HELP wireguardd_" name " Help.\n"
#define END "# EOF\n"

static char buffer[8192];

static const char *printed(const struct exposition *x, enum exposition_format format)
{
	struct text t = text_fixed(buffer, sizeof buffer);

	exposition_print(x, &t, format);
	assert_false(t.failed);
	return buffer;
}

static void peers(void **state)
{
	struct wg_allowedip ips[] = { { .prefix = { .bits = 0 } }, { .prefix = { .bits = 64 } } };
	struct wg_peer peer = { .tx_bytes = UINT64_MAX, .rx_bytes = 2, .handshake_s = 3, .allowedips = ips, .n_allowedips = 2 };
	struct wg_device d = { .name = "w\"\\\n\xff", .peers = &peer, .n_peers = 1 };
	struct exposition x = { 0 };

	(void)state;
	assert_true(prefix_parse(&ips[0].prefix, SPAN("10.0.0.0/8"), NULL));
	assert_true(prefix_parse(&ips[1].prefix, SPAN("fd00::/64"), NULL));
	assert_int_equal(exposition_add_device(&x, &d, NULL), 0);
#define LABELS "{interface=\"w\\\"\\\\??\",public_key=\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"," \
	"allowed_ips=\"10.0.0.0/8,fd00::/64\"} "
	assert_string_equal(printed(&x, EXPOSITION_OPENMETRICS),
			    "# TYPE wireguard_sent_bytes counter\n# UNIT wireguard_sent_bytes bytes\n"
			    "# HELP wireguard_sent_bytes Bytes sent to the peer.\n"
			    "wireguard_sent_bytes_total" LABELS "18446744073709551615\n"
			    "# TYPE wireguard_received_bytes counter\n# UNIT wireguard_received_bytes bytes\n"
			    "# HELP wireguard_received_bytes Bytes received from the peer.\n"
			    "wireguard_received_bytes_total" LABELS "2\n"
			    "# TYPE wireguard_latest_handshake_seconds gauge\n# UNIT wireguard_latest_handshake_seconds seconds\n"
			    "# HELP wireguard_latest_handshake_seconds Time of the latest handshake in seconds since the Epoch, or 0.\n"
			    "wireguard_latest_handshake_seconds" LABELS "3\n" END);
	exposition_free(&x);
}

/* Families of two daemons are merged by name; one that they declare differently has the kind of the first. */
static void daemons(void **state)
{
	struct exposition x = { 0 };

	(void)state;
	assert_int_equal(exposition_add_daemon(&x, "wg0", SPAN(
		FAMILY("b", "gauge") "wireguardd_b{interface=\"wg0\"} 1\n"
		FAMILY("a", "counter") "wireguardd_a_total{interface=\"wg0\",x=\"2\"} 2\nwireguardd_a_total{interface=\"wg0\",x=\"1\"} 1\n"
		END)), 0);
	assert_int_equal(exposition_add_daemon(&x, "wg1", SPAN(
		FAMILY("a", "counter") "wireguardd_a_total{interface=\"wg1\"} 3.5\n"
		FAMILY("b", "counter") "wireguardd_b_total{interface=\"wg1\"} 1\n"
		FAMILY("c", "info") "wireguardd_c_info{interface=\"wg1\",v=\"\\\\\\\"\\n\"} 1\n"
		FAMILY("empty", "gauge")
		END)), 0);
	assert_int_equal(exposition_add_daemon(&x, "wg2", SPAN(END)), 0);
	assert_string_equal(printed(&x, EXPOSITION_PROMETHEUS),
			    "# HELP wireguardd_a_total Help.\n# TYPE wireguardd_a_total counter\n"
			    "wireguardd_a_total{interface=\"wg0\",x=\"1\"} 1\nwireguardd_a_total{interface=\"wg0\",x=\"2\"} 2\n"
			    "wireguardd_a_total{interface=\"wg1\"} 3.5\n"
			    "# HELP wireguardd_b Help.\n# TYPE wireguardd_b gauge\nwireguardd_b{interface=\"wg0\"} 1\n"
			    "# HELP wireguardd_c_info Help.\n# TYPE wireguardd_c_info gauge\n"
			    "wireguardd_c_info{interface=\"wg1\",v=\"\\\\\\\"\\n\"} 1\n");
	exposition_free(&x);
}

#define GAUGE FAMILY("g", "gauge")
#define SAMPLE "wireguardd_g{interface=\"wg0\""

static void refused(void **state)
{
	static const char *const texts[] = {
		"", "# EOF", GAUGE SAMPLE "} 1\n", GAUGE SAMPLE "} 1\n# EOF\n\n", GAUGE SAMPLE "} 1\n\n" END,
		SAMPLE "} 1\n" END,                                          /* no family */
		"# TYPE wireguardd_g gauge\n" SAMPLE "} 1\n" END,            /* no help */
		"# HELP wireguardd_g x\n" END,
		GAUGE GAUGE SAMPLE "} 1\n" END,
		GAUGE SAMPLE "} 1\n" SAMPLE "} 1\n" END,                     /* twice */
		GAUGE "wireguardd_g{interface=\"wg1\"} 1\n" END,             /* of another device */
		GAUGE "wireguardd_g{a=\"b\",interface=\"wg0\"} 1\n" END,
		GAUGE "wireguardd_g{} 1\n" END, GAUGE "wireguardd_g 1\n" END,
		GAUGE "wireguardd_h{interface=\"wg0\"} 1\n" END,
		GAUGE SAMPLE ",a=\"1\",a=\"2\"} 1\n" END,
		GAUGE SAMPLE ",a=\"1\",b=\"2\"} 1\n" SAMPLE ",b=\"2\",a=\"1\"} 1\n" END, /* the same labels */
		GAUGE SAMPLE ",a=\"\"} 1\n" END,
		GAUGE SAMPLE ",a=\"\\t\"} 1\n" END, GAUGE SAMPLE ",a=\"\x1b\"} 1\n" END, GAUGE SAMPLE ",a=\"\xc3\xa4\"} 1\n" END,
		GAUGE SAMPLE ",a=\"x} 1\n" END, GAUGE SAMPLE ",a=\"x\\\"} 1\n" END, GAUGE SAMPLE ",} 1\n" END, GAUGE SAMPLE ",1=\"x\"} 1\n" END,
		GAUGE SAMPLE "} \n" END, GAUGE SAMPLE "} -1\n" END, GAUGE SAMPLE "} 1.\n" END, GAUGE SAMPLE "} .5\n" END,
		GAUGE SAMPLE "} 1e3\n" END, GAUGE SAMPLE "} 1 2\n" END, GAUGE SAMPLE "}  1\n" END, GAUGE SAMPLE "} 1\r\n" END,
		GAUGE SAMPLE "}1\n" END,
		FAMILY("i", "info") "wireguardd_i_info{interface=\"wg0\"} 2\n" END,
		FAMILY("c", "counter") "wireguardd_c{interface=\"wg0\"} 2\n" END,
		FAMILY("g_total", "gauge") "wireguardd_g_total{interface=\"wg0\"} 2\n" END,
		FAMILY("h", "histogram") END, "# TYPE other gauge\n# HELP other x\n" END,
		"# TYPE wireguardd_g gauge\n# UNIT wireguardd_g seconds\n# HELP wireguardd_g x\n" SAMPLE "} 1\n" END,
		"# TYPE wireguardd_g gauge\n# HELP wireguardd_g a\\nb\n" SAMPLE "} 1\n" END,
		"# TYPE wireguardd_g gauge\n# HELP wireguardd_g \xe2\x80\xae\n" SAMPLE "} 1\n" END,
		GAUGE "# EOF\n" SAMPLE "} 1\n" END,
	};
	struct exposition x = { 0 };

	(void)state;
	assert_int_equal(exposition_add_daemon(&x, "wg0", SPAN(GAUGE SAMPLE "} 1\n" END)), 0);
	exposition_free(&x);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(exposition_add_daemon(&x, "wg0", span_of(texts[i])), -EINVAL);
	assert_string_equal(printed(&x, EXPOSITION_PROMETHEUS), "");
	exposition_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(peers), cmocka_unit_test(daemons), cmocka_unit_test(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
