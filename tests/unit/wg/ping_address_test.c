/* Which address inside the tunnel `wg ping` chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wg/ping_address.h"

/* Adds a peer with these allowed IPs, which blanks separate. */
static void add_peer(struct wg_device *d, const char *allowedips)
{
	struct wg_peer *p = device_add_peer(d);
	struct span rest = span_of(allowedips), word;

	assert_non_null(p);
	while (rest.n > 0) {
		size_t n = span_find(rest, ' ');
		struct wg_allowedip *a = peer_add_allowedip(p);
		word = span_sub(rest, 0, n);
		assert_non_null(a);
		assert_true(prefix_parse(&a->prefix, word, NULL));
		rest = span_sub(rest, n + (n < rest.n), rest.n);
	}
}

/* The address for peer 0, as text; "none". own: an address of the interface with its bits, or null. */
static const char *chosen(const struct wg_device *d, const char *own)
{
	static char text[IP_TEXT_MAX];
	struct own_address one = { 0 };
	struct own_addresses all = { .list = &one, .n = own ? 1 : 0 };
	struct text t = text_fixed(text, sizeof text);
	struct ip_addr a;

	if (own) {
		struct span s = span_of(own);
		assert_true(ip_parse(&one.host, span_sub(s, 0, span_find(s, '/'))));
		assert_true(prefix_parse(&one.network, s, NULL));
	}
	if (!ping_address_choose(&a, d, 0, &all))
		return "none";
	ip_print(&t, &a);
	return text;
}

static void expect(const char *expected, const char *peer, const char *other, const char *own)
{
	struct wg_device d = { 0 };

	add_peer(&d, peer);
	if (other)
		add_peer(&d, other);
	assert_string_equal(chosen(&d, own), expected);
	device_free(&d);
}

static void choices(void **state)
{
	(void)state;
	/* A single address first; then the own network; then the largest allowed IP that is not a default route. */
	expect("10.8.0.7", "10.0.0.0/8 10.8.0.7/32", NULL, "10.8.0.2/24");
	expect("10.8.0.1", "0.0.0.0/0 192.168.0.0/16", NULL, "10.8.0.2/24");
	expect("192.168.0.1", "172.16.0.0/24 192.168.0.0/16", NULL, NULL);
	expect("fd00::1", "fd00::/64", NULL, NULL);
	expect("none", "0.0.0.0/0 ::/0", NULL, NULL);
	expect("none", "", NULL, "10.8.0.2/24");
	/* Not the own address. */
	expect("10.8.0.2", "10.8.0.0/24", NULL, "10.8.0.1/24");
	expect("none", "10.8.0.1/32", NULL, "10.8.0.1/32");
	/* Prefixes of two addresses have no network address (RFC 3021). */
	expect("10.8.0.1", "10.8.0.0/31", NULL, "10.8.0.0/31");
	/* Not what goes to another peer, whose allowed IP is longer; a shorter one does not matter. */
	expect("10.8.0.2", "10.8.0.0/24", "10.8.0.1/32", NULL);
	expect("none", "10.8.0.0/24", "10.8.0.0/30", NULL);
	expect("10.8.0.1", "10.8.0.0/24", "10.0.0.0/8", NULL);
}

static void ownership(void **state)
{
	struct wg_device d = { 0 };
	const uint8_t b[4] = { 10, 8, 0, 200 };
	struct ip_addr a = ip_v4(b);

	(void)state;
	add_peer(&d, "10.8.0.0/24");
	add_peer(&d, "10.8.0.128/25");
	assert_false(ping_address_is_of(&d, 0, &a));
	assert_true(ping_address_is_of(&d, 1, &a));
	a.b[3] = 100;
	assert_true(ping_address_is_of(&d, 0, &a));
	assert_false(ping_address_is_of(&d, 1, &a));
	device_free(&d);
}

/* Prefixes whose hosts are another peer's: not each of very many is tried. */
static void many_prefixes(void **state)
{
	char text[32];

	(void)state;
	for (unsigned int taken = 8; taken <= 800; taken *= 10) {
		struct wg_device d = { 0 };
		add_peer(&d, "fd00::/64");
		add_peer(&d, "10.0.0.1");
		for (unsigned int i = 0; i <= taken; i++) {
			struct text t = text_fixed(text, sizeof text);
			text_f(&t, "10.%u.%u.0/24", i / 256, i % 256);
			assert_true(prefix_parse(&peer_add_allowedip(&d.peers[0])->prefix, text_of(&t), NULL));
			for (unsigned int host = 1; host <= 2 && i < taken; host++) {
				t = text_fixed(text, sizeof text);
				text_f(&t, "10.%u.%u.%u", i / 256, i % 256, host);
				assert_true(prefix_parse(&peer_add_allowedip(&d.peers[1])->prefix, text_of(&t), NULL));
			}
		}
		assert_string_equal(chosen(&d, NULL), taken == 8 ? "10.0.8.1" : "none");
		device_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices),
		cmocka_unit_test(ownership),
		cmocka_unit_test(many_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
