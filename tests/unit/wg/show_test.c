/* The two formats of wg show; amounts of data are compared with those of printf(3). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wg/show_field.h"
#include "wg/show_pretty.h"

static char shown[4096];

/* A device of one peer in the pretty format. */
static const char *show(const struct wg_peer *peer)
{
	struct program p = { .name = "wg", .out = text_fixed(shown, sizeof shown) };
	struct wg_peer copy = *peer;
	struct wg_device d = { .name = "wg0", .peers = &copy, .n_peers = 1 };
	struct peer_names names = { 0 };

	assert_int_equal(show_pretty(&p, &d, &names), 0);
	assert_false(p.out.failed);
	return shown;
}

static void as_double(char *out, size_t cap, uint64_t v)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double d = (double)v;
	int i = 0;

	if (v < 1024) {
		snprintf(out, cap, "%u B", (unsigned int)v);
		return;
	}
	for (uint64_t rest = v; rest >= 1024 && i < 4; rest >>= 10) {
		d /= 1024;
		i++;
	}
	snprintf(out, cap, "%.2f %s", d, units[i]);
}

static void check_amount(uint64_t v)
{
	struct wg_peer peer = { .rx_bytes = v, .tx_bytes = 1 };
	char amount[64], line[128];

	as_double(amount, sizeof amount, v);
	snprintf(line, sizeof line, "  transfer: %s received, 1 B sent\n", amount);
	assert_non_null(strstr(show(&peer), line));
}

static void amounts(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int power = 0; power < 64; power++)
		for (int64_t off = -3; off <= 3; off++)
			check_amount(((uint64_t)1 << power) + (uint64_t)off);
	for (uint64_t v = 1024; v < 3 * 1024; v++) /* every rounding to two decimals, including ties */
		check_amount(v);
	for (int i = 0; i < 200000; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		check_amount(seed >> 11 >> (i % 53)); /* exact as a double */
	}
	check_amount(UINT64_MAX);
}

static void unset_fields_are_omitted(void **state)
{
	struct wg_peer peer = { .keepalive_s = 0 };

	(void)state;
	assert_string_equal(show(&peer), "interface: wg0\n\n"
		"peer: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n  allowed ips: (none)\n");
}

static void latest_handshake(void **state)
{
	struct wg_peer peer = { .handshake_s = (uint64_t)time(NULL) + 1000 };

	(void)state;
	assert_non_null(strstr(show(&peer), "  latest handshake: (System clock wound backward; "
					    "connection problems may ensue.)\n"));
	peer.handshake_s = 1;
	assert_non_null(strstr(show(&peer), " years, "));
	assert_non_null(strstr(shown, " ago\n"));
	/* The second may change between the two readings. */
	do {
		peer.handshake_s = (uint64_t)time(NULL);
		show(&peer);
	} while (peer.handshake_s != (uint64_t)time(NULL));
	assert_non_null(strstr(shown, "  latest handshake: Now\n"));
}

/* Unset values still have a text in their column. */
static void fields_of_an_empty_peer(void **state)
{
	const struct show_field_options o = { .with_name = true };
	struct program p = { .name = "wg", .out = text_fixed(shown, sizeof shown) };
	struct wg_peer peer = { .flags = WG_PEER_HAS_PUBLIC_KEY };
	struct wg_device d = { .name = "wg0", .peers = &peer, .n_peers = 1 };

	(void)state;
	assert_true(show_field(&p, &d, "dump", &o));
	assert_string_equal(shown, "wg0\t(none)\t(none)\t0\toff\n"
		"wg0\tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");
	assert_false(show_field(&p, &d, "dumps", &o));
	assert_false(show_field(&p, &d, "", &o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts),
		cmocka_unit_test(unset_fields_are_omitted),
		cmocka_unit_test(latest_handshake),
		cmocka_unit_test(fields_of_an_empty_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
