/* Taking out what is the same leaves the patch as it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../../src/model/conf.h"
#include "../../../src/model/sync.h"
#include "../../../src/model/uapi.h"
#include "../../lib/said.h"
#include "../../lib/slow_device.h"

static uint32_t chance(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void patch_text(char *out, size_t cap, const struct wg_device *now, const struct wg_device *wanted,
		       const struct sync_options *o)
{
	struct text t = text_fixed(out, cap);
	struct wg_device patch;

	assert_int_equal(sync_diff(&patch, now, wanted, o), 0);
	uapi_print_set(&t, &patch, NULL);
	assert_false(t.failed);
	device_free(&patch);
}

/* Peers of one file go into the other now and then, so that there is something to take out. */
static void share_peers(struct wg_device *wanted, const struct wg_device *now, uint32_t *seed)
{
	for (uint32_t i = 0; i < now->n_peers; i++) {
		struct wg_peer copy, *peer;

		if (chance(seed) & 1)
			continue;
		assert_true(peer_copy(&copy, &now->peers[i]));
		peer = device_add_peer(wanted);
		assert_non_null(peer);
		*peer = copy;
		peer->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	}
}

static void random_pairs_keep_their_patch(void **state)
{
	static char whole[1 << 16], rest[1 << 16];
	uint32_t seed = 20261121, dropped = 0, kept = 0;
	uint8_t bytes[256];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct slow_bytes b = { bytes, sizeof bytes };
		struct wg_device now, wanted, before;
		struct sync_options o = { 0 };

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)chance(&seed);
		slow_state(&now, &b);
		slow_file(&wanted, &b);
		slow_state(&before, &b);
		share_peers(&wanted, &now, &seed);
		o.before = chance(&seed) & 1 ? &before : NULL;
		patch_text(whole, sizeof whole, &now, &wanted, &o);
		dropped += wanted.n_peers;
		assert_int_equal(sync_drop_same(&now, &wanted), 0);
		dropped -= wanted.n_peers;
		kept += wanted.n_peers;
		patch_text(rest, sizeof rest, &now, &wanted, &o);
		assert_string_equal(whole, rest);
		device_free(&before);
		device_free(&wanted);
		device_free(&now);
	}
	assert_true(dropped > 1000);
	assert_true(kept > 1000);
}

static void equal_models_leave_nothing(void **state)
{
	struct wg_device now, wanted;
	struct conf_options o = { .file = "f" };
	struct said said;

	(void)state;
	said_init(&said, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(conf_read(i ? &wanted : &now, span_of("[Peer]\n"
			"PublicKey=hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc=\nAllowedIPs=::/0,10.0.0.0/8\n"
			"[Peer]\nPublicKey=HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\n"), &o, &said.d), 0);
	assert_int_equal(sync_drop_same(&now, &wanted), 0);
	assert_int_equal(now.n_peers, 0);
	assert_int_equal(wanted.n_peers, 0);
	device_free(&now);
	device_free(&wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_pairs_keep_their_patch),
		cmocka_unit_test(equal_models_leave_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
