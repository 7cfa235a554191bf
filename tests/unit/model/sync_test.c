/* Patches between two models: a table, and random pairs applied to the simple device of tests/lib. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "model/conf.h"
#include "model/sync.h"
#include "model/uapi.h"
#include "../../lib/diag_text.h"
#include "../../lib/slow_device.h"

#define KEY_A "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define KEY_B "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
#define KEY_C "gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA="
#define SECRET "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define A "[Peer]\nPublicKey=" KEY_A "\n"
#define B "[Peer]\nPublicKey=" KEY_B "\n"
#define C "[Peer]\nPublicKey=" KEY_C "\n"
#define SET_A "public_key=855d52b4a59f702e98c76d71845be88979d638d8c61cdd5d15e89b37bdfb5a77\n"
#define SET_B "public_key=1c8828f7137324c58b2804928624ea2326f1674537c062e251e2753ca7fcca4c\n"
#define SET_C "public_key=80deb906420acb578213da4fd7075cf11394b641cb1763df02a61dc98073e840\n"

static void from_file(struct wg_device *out, const char *file)
{
	struct conf_options o = { .file = "f" };
	struct diag_text messages;

	diag_text_init(&messages, false);
	assert_int_equal(conf_read(out, span_of(file), &o, &messages.d), 0);
}

static void state_of(struct wg_device *out, const char *file)
{
	struct wg_device patch;

	from_file(&patch, file);
	memset(out, 0, sizeof *out);
	slow_apply(out, &patch);
	device_free(&patch);
}

/* The state of the device as a file, the desired file, and the request. */
static const struct {
	const char *now, *wanted, *request;
} cases[] = {
	{ "", "", "" },
	{ "[Interface]\nListenPort=5\nPrivateKey=" SECRET "\n" A "AllowedIPs=::/0,1.2.3.4\nEndpoint=1.2.3.4:5\n" B,
	  "[Interface]\nListenPort=5\nPrivateKey=" SECRET "\n" B A "AllowedIPs=1.2.3.4\nAllowedIPs=::/0\n"
	  "Endpoint=1.2.3.4:5\n", "" },
	/* settings missing in the file are reset; removals are first */
	{ "[Interface]\nListenPort=5\nFwMark=1\nPrivateKey=" SECRET "\n" A "PresharedKey=" SECRET
	  "\nPersistentKeepalive=5\n" B,
	  A C, "private_key=" ZEROS "\nlisten_port=0\nfwmark=0\n" SET_B "remove=true\n" SET_A
	  "preshared_key=" ZEROS "\npersistent_keepalive_interval=0\n" SET_C },
	/* additions are sent alone; a removal sends the full list */
	{ A "AllowedIPs=10.0.0.0/8\n", A "AllowedIPs=10.0.0.0/8,::/0\n", SET_A "allowed_ip=::/0\n" },
	{ A "AllowedIPs=10.0.0.0/8,::/0\n", A "AllowedIPs=::/0\n",
	  SET_A "replace_allowed_ips=true\nallowed_ip=::/0\n" },
	{ A "AllowedIPs=::/0\n", A, SET_A "replace_allowed_ips=true\n" },
	/* a prefix that moves is sent once, for its new owner */
	{ A "AllowedIPs=10.0.0.0/8\n" B, A B "AllowedIPs=10.0.0.0/8\n", SET_B "allowed_ip=10.0.0.0/8\n" },
	{ A "AllowedIPs=10.0.0.0/8\n" B "AllowedIPs=::/0\n", A "AllowedIPs=::/0\n" B "AllowedIPs=10.0.0.0/8\n",
	  SET_A "allowed_ip=::/0\n" SET_B "allowed_ip=10.0.0.0/8\n" },
	/* the last claim is effective, also for a peer in two sections */
	{ A "AllowedIPs=::/0\n", A "AllowedIPs=::/0\n" B "AllowedIPs=::/0\n", SET_B "allowed_ip=::/0\n" },
	{ A "AllowedIPs=::/0\n", A "AllowedIPs=10.0.0.0/8\n" A "AllowedIPs=::/0\nPersistentKeepalive=1\n",
	  SET_A "persistent_keepalive_interval=1\n" },
	/* only peers without an endpoint get one */
	{ A "Endpoint=1.2.3.4:5\n" B, A "Endpoint=9.9.9.9:9\n" B "Endpoint=9.9.9.9:9\n" C "Endpoint=[::1]:1\n",
	  SET_B "endpoint=9.9.9.9:9\n" SET_C "endpoint=[::1]:1\n" },
	/* incremental lists */
	{ A "AllowedIPs=10.0.0.0/8,::/0\n", A "AllowedIPs=-::/0,+1.2.3.4\n",
	  SET_A "replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=1.2.3.4/32\n" },
	{ A "AllowedIPs=10.0.0.0/8\n", A "AllowedIPs=+1.2.3.4\n", SET_A "allowed_ip=1.2.3.4/32\n" },
};

static void requests_in_the_table(void **state)
{
	struct sync_options o = { 0 };
	struct wg_device now, wanted, patch;
	char buffer[4096], request[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text t = text_fixed(buffer, sizeof buffer), r = text_fixed(request, sizeof request);
		state_of(&now, cases[i].now);
		from_file(&wanted, cases[i].wanted);
		assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
		assert_int_equal(sync_is_empty(&patch), cases[i].request[0] == '\0');
		uapi_print_set(&t, &patch, NULL);
		text_f(&r, "set=1\n%s\n", cases[i].request);
		assert_string_equal(buffer, request);
		device_free(&patch);
		device_free(&wanted);
		device_free(&now);
	}
}

static void settings_to_keep_are_kept(void **state)
{
	struct sync_options o = { .keep_private_key = true, .keep_listen_port = true, .keep_fwmark = true };
	struct wg_device now, wanted, patch;

	(void)state;
	state_of(&now, "[Interface]\nListenPort=5\nFwMark=1\nPrivateKey=" SECRET "\n");
	from_file(&wanted, "");
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_true(sync_is_empty(&patch));
	device_free(&wanted);
	from_file(&wanted, "[Interface]\nListenPort=6\nFwMark=off\n");
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_int_equal(patch.flags, WG_DEVICE_HAS_LISTEN_PORT | WG_DEVICE_HAS_FWMARK);
	device_free(&patch);
	device_free(&wanted);
	device_free(&now);
}

/* A device clamps its key before storing it, which is not a difference. */
static void clamped_keys_are_equal(void **state)
{
	struct sync_options o = { 0 };
	struct wg_device now = { .flags = WG_DEVICE_HAS_PRIVATE_KEY }, wanted = now, patch;

	(void)state;
	memset(&wanted.private_key, 0xff, sizeof wanted.private_key);
	now.private_key = wanted.private_key;
	now.private_key.b[0] = 0xf8;
	now.private_key.b[31] = 0x7f;
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_true(sync_is_empty(&patch));
	wanted.private_key.b[1] = 0;
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_false(sync_is_empty(&patch));
	device_free(&patch);
}

static void roamed_endpoints_are_kept_until_the_file_changes(void **state)
{
	struct wg_device now, wanted, before, patch;
	struct sync_options o = { .last_request = &before };

	(void)state;
	state_of(&now, A "Endpoint=9.9.9.9:9\n" B "Endpoint=9.9.9.9:9\n" C "Endpoint=8.8.8.8:8\n");
	from_file(&before, A "Endpoint=1.1.1.1:1\n" B "Endpoint=1.1.1.1:1\n" C);
	from_file(&wanted, A "Endpoint=1.1.1.1:1\n" B "Endpoint=2.2.2.2:2\n" C "Endpoint=8.8.8.8:8\n");
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_int_equal(patch.n_peers, 1); /* B's endpoint was edited; A has roamed; C's is current */
	assert_int_equal(patch.peers[0].endpoint.port, 2);
	device_free(&patch);
	device_free(&wanted);
	device_free(&before);
	device_free(&now);
}

/* A device does not accept its own key as a peer, so such a peer is not sent. */
static void own_key_is_not_a_difference(void **state)
{
	struct sync_options o = { .keep_private_key = true };
	struct wg_device now, wanted, patch;

	(void)state;
	state_of(&now, B "AllowedIPs=::/0\n");
	now.flags |= WG_DEVICE_HAS_PUBLIC_KEY;
	assert_true(key_from_base64(now.public_key.b, SPAN(KEY_A)));
	from_file(&wanted, B "AllowedIPs=::/0\n" A "AllowedIPs=::/0\n");
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_true(sync_is_empty(&patch));
	device_free(&wanted);
	device_free(&now);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void patches_of_random_pairs(void **state)
{
	uint8_t bytes[256];
	uint32_t seed = 20261120;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct slow_bytes b = { bytes, sizeof bytes };
		struct wg_device now, wanted, before, patch, right;
		struct sync_options o = { 0 };
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		slow_state(&now, &b);
		slow_file(&wanted, &b);
		slow_state(&before, &b);
		o.keep_listen_port = next_random(&seed) & 1;
		o.last_request = next_random(&seed) & 1 ? &before : NULL;
		slow_sync(&right, &now, &wanted, &o);
		assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
		assert_int_equal(sync_is_empty(&patch), slow_equal(&now, &right));
		slow_apply(&now, &patch);
		assert_true(slow_equal(&now, &right));
		device_free(&patch);
		device_free(&right);
		device_free(&before);
		device_free(&wanted);
		device_free(&now);
	}
}

static void one_change_in_a_hundred_thousand(void **state)
{
	enum { PEERS = 100000 };
	struct sync_options o = { 0 };
	struct wg_device now = { 0 }, wanted, patch;

	(void)state;
	for (uint32_t i = 0; i < PEERS; i++) {
		struct wg_peer *p = device_add_peer(&now);
		struct wg_allowedip *a = p ? peer_add_allowedip(p) : NULL;
		uint8_t v4[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		struct ip_addr ip = ip_v4(v4);
		assert_non_null(a);
		p->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REPLACE_ALLOWEDIPS;
		store_le32(p->public_key.b, i);
		assert_true(prefix_make(&a->prefix, &ip, 32));
	}
	assert_true(device_copy(&wanted, &now));
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_true(sync_is_empty(&patch));
	wanted.peers[77777].keepalive_s = 5;
	wanted.peers[77777].flags |= WG_PEER_HAS_KEEPALIVE;
	assert_int_equal(sync_diff(&patch, &now, &wanted, &o), 0);
	assert_int_equal(patch.n_peers, 1);
	assert_int_equal(patch.peers[0].n_allowedips, 0);
	assert_int_equal(load_le32(patch.peers[0].public_key.b), 77777);
	device_free(&patch);
	device_free(&wanted);
	device_free(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_the_table),
		cmocka_unit_test(settings_to_keep_are_kept),
		cmocka_unit_test(clamped_keys_are_equal),
		cmocka_unit_test(roamed_endpoints_are_kept_until_the_file_changes),
		cmocka_unit_test(own_key_is_not_a_difference),
		cmocka_unit_test(patches_of_random_pairs),
		cmocka_unit_test(one_change_in_a_hundred_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
