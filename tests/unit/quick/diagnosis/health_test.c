/* The health of a tunnel: which peers have to answer. The rest is in tests/netns/quick_health.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "quick/diagnosis/checks.h"

enum { NOW_S = 1000000 };

/* A peer of the device and of the file. ago_s: since the last handshake; 0: none. */
static void add_peer(struct wg_device *now, struct wg_device *file, uint16_t keepalive_s, bool endpoint, unsigned int ago_s)
{
	struct wg_device *both[] = { now, file };

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct wg_peer *peer = device_add_peer(both[i]);
		assert_non_null(peer);
		peer->public_key.b[0] = (uint8_t)(both[i]->n_peers);
		peer->keepalive_s = keepalive_s;
		peer->flags = endpoint || both[i] == now ? WG_PEER_HAS_ENDPOINT : 0;
		peer->handshake_s = both[i] == now && ago_s ? NOW_S - ago_s : 0;
	}
}

struct peer {
	uint16_t keepalive_s;
	bool endpoint;
	unsigned int ago_s;
};

static void expect(const char *seen, const struct peer *peers, size_t n)
{
	struct host_state state = { .link = { .index = 7, .mtu = 1420, .up = true } };
	struct tunnel_file file = { 0 };
	struct facts f = { .name = "wg0", .now_s = NOW_S, .file_seen = FILE_READ, .path = "/etc/wireguard/wg0.conf", .file = &file,
			   .state = &state };
	struct findings found = { 0 };

	state.device.flags = WG_DEVICE_HAS_PUBLIC_KEY;
	state.device.public_key.b[0] = 99;
	for (size_t i = 0; i < n; i++)
		add_peer(&state.device, &file.device, peers[i].keepalive_s, peers[i].endpoint, peers[i].ago_s);
	assert_true(checks_of_health(&found, &f, false));
	assert_int_equal(found.n, seen != NULL);
	if (seen)
		assert_non_null(strstr(found.list[0].seen, seen));
	findings_free(&found);
	host_state_free(&state);
	tunnel_file_free(&file);
}
#define EXPECT(seen, ...) expect(seen, (const struct peer[]){ __VA_ARGS__ }, ARRAY_LEN(((const struct peer[]){ __VA_ARGS__ })))

static void peers(void **state)
{
	(void)state;
	EXPECT(NULL, { 25, true, 10 });
	EXPECT(" does not answer", { 25, true, 0 });
	EXPECT(" does not answer", { 25, true, HANDSHAKE_OLD_S });
	EXPECT(NULL, { 25, false, 0 });  /* its address is not in the file: a client of this host */
	EXPECT(NULL, { 0, true, 0 });    /* there may be nothing to send */
	EXPECT(NULL, { 25, true, 0 }, { 25, true, 100 });
	EXPECT("none of 2 peers answers", { 25, true, 0 }, { 25, true, 400 }, { 0, false, 10 });
	expect(NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(peers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
