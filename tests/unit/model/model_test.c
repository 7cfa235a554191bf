/* Growing, copying and freeing models, and the index of peers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/model.h"

static struct wg_peer *add(struct wg_device *d, uint8_t key, unsigned int prefixes)
{
	struct wg_peer *p = device_add_peer(d);

	assert_non_null(p);
	p->flags = WG_PEER_HAS_PUBLIC_KEY;
	p->public_key.b[31] = key;
	for (unsigned int i = 0; i < prefixes; i++) {
		struct wg_allowedip *a = peer_add_allowedip(p);
		assert_non_null(a);
		assert_true(prefix_parse(&a->prefix, SPAN("10.0.0.0/8"), NULL));
	}
	return p;
}

static void arrays_grow_and_new_elements_are_empty(void **state)
{
	struct wg_device d = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		struct wg_peer *p = add(&d, (uint8_t)i, i % 10);
		assert_int_equal(p->n_allowedips, i % 10);
		assert_null(p->host);
		assert_int_equal(p->rx_bytes, 0);
	}
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(d.peers[i].public_key.b[31], (uint8_t)i);
	device_free(&d);
	assert_null(d.peers);
	assert_int_equal(d.n_peers + d.cap_peers, 0);
	device_free(&d); /* freeing an empty device is allowed */
}

static void copies_are_deep(void **state)
{
	struct wg_device d = { .listen_port = 5, .name = "wg0" }, copy;
	struct wg_peer *p = add(&d, 1, 3);

	(void)state;
	p->host = strcpy(malloc(8), "h:1");
	p->name = strcpy(malloc(8), "bob");
	add(&d, 2, 0);
	assert_true(device_copy(&copy, &d));
	device_free(&d);
	assert_int_equal(copy.n_peers, 2);
	assert_string_equal(copy.name, "wg0");
	assert_string_equal(copy.peers[0].host, "h:1");
	assert_string_equal(copy.peers[0].name, "bob");
	assert_int_equal(copy.peers[0].n_allowedips, 3);
	assert_int_equal(copy.peers[0].allowedips[2].prefix.bits, 8);
	assert_null(copy.peers[1].allowedips);
	add(&copy, 3, 1); /* copies can grow */
	assert_non_null(peer_add_allowedip(&copy.peers[0]));
	device_free(&copy);
	assert_true(device_copy(&copy, &d));
	assert_null(copy.peers);
}

static void secrets_do_not_outlive_the_struct(void **state)
{
	struct wg_device d = { 0 };
	struct wg_peer p = { 0 };
	static const struct wg_peer nothing;

	(void)state;
	memset(&d.private_key, 0x5a, sizeof d.private_key);
	memset(&p.psk, 0x5a, sizeof p.psk);
	device_free(&d);
	peer_free(&p);
	for (size_t i = 0; i < KEY_BYTES; i++)
		assert_int_equal(d.private_key.b[i], 0);
	assert_memory_equal(&p, &nothing, sizeof p);
}

static void the_index_finds_the_last_peer_with_a_key(void **state)
{
	struct wg_device d = { 0 };
	struct peer_index x = { 0 };
	struct wg_public key = { { 0 } };

	(void)state;
	assert_null(peer_index_find(&x, &d, &key)); /* not built */
	assert_true(peer_index_build(&x, &d));
	assert_null(peer_index_find(&x, &d, &key)); /* empty */
	peer_index_free(&x);
	for (unsigned int i = 0; i < 500; i++)
		add(&d, (uint8_t)(i % 250), 0);
	assert_true(peer_index_build(&x, &d));
	for (unsigned int i = 0; i < 250; i++) {
		key.b[31] = (uint8_t)i;
		assert_ptr_equal(peer_index_find(&x, &d, &key), &d.peers[250 + i]);
	}
	key.b[0] = 1;
	assert_null(peer_index_find(&x, &d, &key));
	peer_index_free(&x);
	peer_index_free(&x);
	device_free(&d);
}

static void names_of_interfaces(void **state)
{
	static const char *const good[] = { "w", "wg0", "a-b_c=d+e.f", "...", "123456789012345" };
	static const char *const bad[] = { "", ".", "..", "1234567890123456", "a/b", "a b", "a\n", "\xc3\xb6",
					   "a%b", "$(id)", "a:b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(device_name_is_valid(span_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(device_name_is_valid(span_of(bad[i])));
	assert_false(device_name_is_valid((struct span){ "a\0b", 3 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_grow_and_new_elements_are_empty),
		cmocka_unit_test(copies_are_deep),
		cmocka_unit_test(secrets_do_not_outlive_the_struct),
		cmocka_unit_test(the_index_finds_the_last_peer_with_a_key),
		cmocka_unit_test(names_of_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
