/* Endpoints inside allowed IPs: examples, and random devices compared with a search of all pairs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "base/vector.h"
#include "model/conf.h"
#include "model/endpoint_inside.h"
#include "../../lib/sample.h"

#define PEER_A "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define PEER_B "[Peer]\nPublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=\n"

static void read_text(struct wg_device *d, const char *text)
{
	struct conf_options o = { .file = "test" };
	struct diag diag = { 0 };

	assert_int_equal(conf_read(d, span_of(text), &o, &diag), 0);
}

/* "PEER OWNER PREFIX, …" */
static char *found(const struct wg_device *d)
{
	struct endpoints_inside e;
	struct text t = text_heap();

	assert_int_equal(endpoints_inside_find(&e, d), 0);
	for (size_t i = 0; i < e.n; i++) {
		text_f(&t, "%s%u %u ", i > 0 ? ", " : "", e.list[i].peer, e.list[i].owner);
		prefix_print(&t, &e.list[i].prefix);
	}
	endpoints_inside_free(&e);
	text_add(&t, "");
	return t.p;
}

static void expect(const char *text, const char *expected)
{
	struct wg_device d = { 0 };
	char *result;

	read_text(&d, text);
	result = found(&d);
	assert_string_equal(result ? result : "", expected);
	free(result);
	device_free(&d);
}

static void examples(void **state)
{
	(void)state;
	expect("[Interface]\n", "");
	expect(PEER_A "Endpoint = 10.1.2.3:1\n", "");
	expect(PEER_A "AllowedIPs = 10.0.0.0/8\n", "");
	expect(PEER_A "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n", "0 0 10.0.0.0/8");
	expect(PEER_A "AllowedIPs = 10.0.0.0/8\nEndpoint = 11.1.2.3:1\n", "");
	expect(PEER_A "AllowedIPs = 10.1.2.3/32\nEndpoint = 10.1.2.3:1\n", "0 0 10.1.2.3/32");
	expect(PEER_A "AllowedIPs = 0.0.0.0/0, 10.1.0.0/16, 10.0.0.0/8, ::/0\nEndpoint = 10.1.2.3:1\n",
	       "0 0 10.1.0.0/16, 0 0 10.0.0.0/8, 0 0 0.0.0.0/0");
	expect(PEER_A "AllowedIPs = fd00::/8\nEndpoint = [fd01::1]:1\n", "0 0 fd00::/8");
	expect(PEER_A "AllowedIPs = 0.0.0.0/0\nEndpoint = [fd01::1]:1\n", "");
	/* The endpoint of one peer inside the allowed IPs of the other one, which has them if both do. */
	expect(PEER_A "AllowedIPs = 10.9.0.0/24\nEndpoint = 10.1.2.3:1\n" PEER_B "AllowedIPs = 10.1.0.0/16\n", "0 1 10.1.0.0/16");
	expect(PEER_A "AllowedIPs = 10.1.0.0/16\nEndpoint = 10.1.2.3:1\n" PEER_B "AllowedIPs = 10.1.0.0/16\n", "0 1 10.1.0.0/16");
	/* A name that is not resolved is no address. */
	expect(PEER_A "AllowedIPs = 0.0.0.0/0\nEndpoint = vpn.example:1\n", "");
}

static void removed_allowed_ips_do_not_count(void **state)
{
	struct wg_device d = { 0 };
	char *result;

	(void)state;
	read_text(&d, PEER_A "AllowedIPs = 10.0.0.0/8\nEndpoint = 10.1.2.3:1\n");
	d.peers[0].allowedips[0].flags |= WG_ALLOWEDIP_REMOVE;
	result = found(&d);
	assert_string_equal(result ? result : "", "");
	free(result);
	device_free(&d);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

/* Few different bits, so that prefixes and endpoints meet. */
static struct ip_addr random_address(uint32_t *seed)
{
	struct ip_addr a = { .family = next_random(seed) % 2 ? IP_V4 : IP_V6 };

	for (unsigned int i = 0; i < ip_bytes(&a); i++)
		a.b[i] = next_random(seed) % 8 ? 0 : (uint8_t)(1u << next_random(seed) % 8);
	return a;
}

static void random_device(struct wg_device *d, uint32_t *seed)
{
	uint32_t peers = next_random(seed) % 8;

	for (uint32_t i = 0; i < peers; i++) {
		struct wg_peer *peer = device_add_peer(d);
		assert_non_null(peer);
		if (next_random(seed) % 4) {
			peer->flags = WG_PEER_HAS_ENDPOINT;
			peer->endpoint.addr = random_address(seed);
		}
		for (uint32_t k = next_random(seed) % 6; k > 0; k--) {
			struct wg_allowedip *a = peer_add_allowedip(peer);
			struct ip_addr addr = random_address(seed);
			assert_non_null(a);
			assert_true(prefix_make(&a->prefix, &addr, next_random(seed) % (ip_bits(&addr) + 1)));
			a->flags = next_random(seed) % 8 ? 0 : WG_ALLOWEDIP_REMOVE;
		}
	}
}

/* The last peer that has the prefix, as its owner. */
static uint32_t slow_owner(const struct wg_device *d, const struct ip_prefix *p)
{
	uint32_t owner = UINT32_MAX;

	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].flags == 0 && prefix_equal(&d->peers[i].allowedips[k].prefix, p))
				owner = i;
	return owner;
}

static void random_devices(void **state)
{
	uint32_t seed = sample_seed(3);
	size_t total = 0;

	(void)state;
	for (int round = 0; round < sample_rounds(20000); round++) {
		struct wg_device d = { 0 };
		struct endpoints_inside e;
		size_t n = 0;
		random_device(&d, &seed);
		assert_int_equal(endpoints_inside_find(&e, &d), 0);
		for (uint32_t i = 0; i < d.n_peers; i++)
			for (unsigned int bits = 129; (d.peers[i].flags & WG_PEER_HAS_ENDPOINT) && bits-- > 0;) {
				struct ip_prefix p;
				if (!prefix_make(&p, &d.peers[i].endpoint.addr, bits) || slow_owner(&d, &p) == UINT32_MAX)
					continue;
				assert_true(n < e.n);
				assert_int_equal(e.list[n].peer, i);
				assert_int_equal(e.list[n].owner, slow_owner(&d, &p));
				assert_true(prefix_equal(&e.list[n].prefix, &p));
				n++;
			}
		assert_int_equal(n, e.n);
		total += n;
		endpoints_inside_free(&e);
		device_free(&d);
	}
	assert_true(total > 10000 / sample_step());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples),
		cmocka_unit_test(removed_allowed_ips_do_not_count),
		cmocka_unit_test(random_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
