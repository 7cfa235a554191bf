/* Fuzz target: the state of a tunnel from another process, with one peer and session in it if it is valid. The tunnel that
 * imports it must survive packets, timers and what it exports must be accepted again. */
#include <stdlib.h>
#include "proto/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint64_t now_ns = 1000000 * NS_PER_S;

static void env_random(void *ctx, void *p, size_t n)
{
	static uint32_t x;

	(void)ctx;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static struct wg_tunnel *create(void)
{
	static const struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct wg_tunnel *t = tunnel_new(&env);

	if (!t)
		abort();
	return t;
}

static void use(struct wg_tunnel *t)
{
	static uint8_t out[WG_DATAGRAM_MAX], ping[84] = { 0x45, 0, 0, 84, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };
	struct wg_buf buf = { .src = ping, .dst = out, .n = sizeof ping };
	struct wg_path path = { .ifindex = 0 };
	struct wg_batch b = { &buf, 1, &path, 1 };
	int left = 1000;

	tunnel_seal(t, now_ns, &b);
	tunnel_control_tun(t, now_ns, &b);
	buf.dst = out;
	while (left-- > 0 && tunnel_control_next(t, now_ns, &buf, &path))
		;
	tunnel_tick(t, now_ns + 30 * NS_PER_S);
	while (left-- > 0 && tunnel_control_next(t, now_ns + 30 * NS_PER_S, &buf, &path))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wg_tunnel *t = create(), *next = create();
	size_t size;
	void *state;

	if (tunnel_import(t, now_ns, data, n) == 0) {
		use(t);
		size = tunnel_export_bytes(t);
		state = malloc(size);
		if (!state || !tunnel_export(t, state, size) || tunnel_import(next, now_ns, state, size) != 0)
			abort();
		free(state);
	}
	tunnel_free(t);
	tunnel_free(next);
	return 0;
}
