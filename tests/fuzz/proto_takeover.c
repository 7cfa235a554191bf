/* Fuzz target: the state of an instance of libwgproto from another process, with one peer and session in it if it is valid. The
 * instance that imports it must survive packets and timers, and what it exports must be accepted again. */
#include <stdlib.h>
#include <string.h>

#include "lib/wgproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint64_t ns_per_s = 1000000000;
static const uint64_t now_ns = 1000000000000000;

static bool env_random(void *ctx, void *p, size_t n)
{
	static uint32_t x;

	(void)ctx;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	return true;
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct wgproto *create(void)
{
	static const struct wgproto_env env = { .size = sizeof env, .random = env_random, .realtime = env_realtime };
	struct wgproto *w;

	must(wgproto_new(&w, &env) == WGPROTO_OK);
	return w;
}

/* Everything that it sends; at most 1000 datagrams together. */
static void drain(struct wgproto *w, uint64_t at_ns, int *left)
{
	static uint8_t space[WGPROTO_DATAGRAM_MAX];
	struct wgproto_packet out = { .dst = space, .dst_space = sizeof space };
	enum wgproto_result result = WGPROTO_END;

	while (*left > 0 && (result = wgproto_next(w, at_ns, &out)) == WGPROTO_OK)
		--*left;
	must(result == WGPROTO_OK || result == WGPROTO_END);
}

static void use(struct wgproto *w)
{
	static uint8_t ping[84] = { 0x45, 0, 0, 84, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };
	uint8_t space[WGPROTO_SEALED_BYTES(sizeof ping)];
	struct wgproto_packet p = { .src = ping, .src_bytes = sizeof ping, .dst = space, .dst_space = sizeof space };
	int left = 1000;

	must(wgproto_seal(w, now_ns, &p, 1) == WGPROTO_OK);
	must(wgproto_control_packets(w, now_ns, &p, 1) == WGPROTO_OK);
	drain(w, now_ns, &left);
	must(wgproto_tick(w, now_ns + 30 * ns_per_s) == WGPROTO_OK);
	drain(w, now_ns + 30 * ns_per_s, &left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wgproto *w = create(), *next = create();
	size_t size = 0;
	void *state;

	if (n > 0 && wgproto_import(w, now_ns, data, n) == WGPROTO_OK) {
		use(w);
		must(wgproto_export(w, NULL, &size) == WGPROTO_INVALID && size > 0);
		state = malloc(size);
		must(state && wgproto_export(w, state, &size) == WGPROTO_OK);
		must(wgproto_import(next, now_ns, state, size) == WGPROTO_OK);
		free(state);
	}
	wgproto_free(w);
	wgproto_free(next);
	return 0;
}
