/* Instances: creation, configuration, hand-over. */
#include "instance.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/version.h"

unsigned int wgproto_api_version(void)
{
	return WGPROTO_API_VERSION;
}

const char *wgproto_version(void)
{
	return WGSUITE_VERSION;
}

const char *wgproto_result_text(enum wgproto_result result)
{
	switch (result) {
	case WGPROTO_OK: return "success";
	case WGPROTO_END: return "no other";
	case WGPROTO_INVALID: return "invalid argument";
	case WGPROTO_NO_MEMORY: return "out of memory";
	case WGPROTO_NO_PEER: return "no peer has this public key";
	case WGPROTO_EXISTS: return "there is a peer with this public key";
	case WGPROTO_OWN_KEY: return "public key of the interface itself";
	case WGPROTO_NO_CPU: return "CPU feature is unknown or computes wrong results";
	case WGPROTO_NO_RANDOM: return "no random bytes";
	case WGPROTO_BROKEN: return "error in the library: the instance is closed";
	}
	return "unknown result";
}

/* ---- creation ---- */

/* The sets of features whose implementations have passed the known-answer tests in this process: a bit each. */
static _Atomic uint64_t verified[2];
_Static_assert(CPU_NEON < 128, "a bit for each set of features");

/* In a call. */
static bool verify(uint32_t features)
{
	_Atomic uint64_t *word = &verified[features / 64 % 2];
	uint64_t bit = 1ull << features % 64;

	if (atomic_load(word) & bit)
		return true;
	if (!crypto_self_test())
		return false;
	atomic_fetch_or(word, bit);
	return true;
}

static bool choose_crypto(struct guard *guard, uint32_t *features)
{
	const char *cpu = guard->env.cpu;

	*features = UINT32_MAX;
	if (cpu && *cpu && strcmp(cpu, "auto") != 0 && !cpu_parse(features, cpu))
		return false;
	*features &= cpu_features();
	crypto_choose(&guard->impls, *features);
	guard->env.cpu = NULL; /* the caller's */
	return true;
}

static enum wgproto_result create_tunnel(struct wgproto *w, uint32_t features)
{
	struct call call;

	WITHIN(&call, w->guard, true) {
		const struct wg_env env = {
			.ctx = w->guard,
			.random = guard_random,
			.realtime = guard_realtime,
			.publish_begin = guard_publish_begin,
			.publish_end = guard_publish_end,
		};

		if (!verify(features))
			call.result = WGPROTO_NO_CPU;
		else if (!(w->tunnel = tunnel_new(&env)))
			call.result = WGPROTO_NO_MEMORY;
	}
	return call_end(&call);
}

enum wgproto_result wgproto_new(struct wgproto **out, const struct wgproto_env *env)
{
	enum wgproto_result result;
	struct wgproto *w;
	uint32_t features;

	if (!out)
		return WGPROTO_INVALID;
	*out = NULL;
	if (!env || env->size < sizeof *env || !env->realtime || !env->publish_begin != !env->publish_end)
		return WGPROTO_INVALID;
	w = (calloc)(1, sizeof *w);
	if (!w)
		return WGPROTO_NO_MEMORY;
	w->guard = &w->own_guard;
	w->guard->env = *env;
	tunnel_set_yield(guard_wait);
	result = choose_crypto(w->guard, &features) ? create_tunnel(w, features) : WGPROTO_NO_CPU;
	if (result != WGPROTO_OK)
		wgproto_free(w);
	else
		*out = w;
	return result;
}

void wgproto_free(struct wgproto *w)
{
	struct call call;

	if (!w || call_is_inside(w->guard))
		return;
	WITHIN(&call, w->guard, true)
		tunnel_free(w->tunnel);
	(void)call_end(&call);
	guard_free_blocks(w->guard);
	mem_wipe(w, sizeof *w);
	(free)(w);
}

const char *wgproto_broken_text(const struct wgproto *w)
{
	return w ? atomic_load(&w->guard->broken) : NULL;
}

const char *wgproto_crypto(const struct wgproto *w, const char *primitive)
{
	const char *volatile name = NULL;
	struct call call;

	WITHIN(&call, guard_of(w), primitive != NULL)
		name = crypto_impl_name(primitive);
	(void)call_end(&call);
	return name;
}

/* ---- configuration of the instance ---- */

enum wgproto_result wgproto_up(struct wgproto *w, uint64_t now_ns)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		tunnel_up(w->tunnel, now_ns);
	return call_end(&call);
}

enum wgproto_result wgproto_down(struct wgproto *w)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		tunnel_down(w->tunnel);
	return call_end(&call);
}

enum wgproto_result wgproto_set_mtu(struct wgproto *w, uint32_t mtu)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		tunnel_set_mtu(w->tunnel, mtu);
	return call_end(&call);
}

enum wgproto_result wgproto_set_private_key(struct wgproto *w, const void *key, size_t key_bytes)
{
	struct wg_private private;
	struct call call;

	WITHIN(&call, guard_of(w), key && key_bytes == KEY_BYTES) {
		memcpy(&private, key, sizeof private);
		tunnel_set_private_key(w->tunnel, &private);
	}
	mem_wipe(&private, sizeof private);
	return call_end(&call);
}

enum wgproto_result wgproto_private_key(const struct wgproto *w, void *out, size_t out_bytes)
{
	struct wg_private private;
	struct call call;

	WITHIN(&call, guard_of(w), out && out_bytes == KEY_BYTES) {
		tunnel_private_key(w->tunnel, &private);
		memcpy(out, &private, sizeof private);
	}
	mem_wipe(&private, sizeof private);
	return call_end(&call);
}

enum wgproto_result wgproto_public_key(const struct wgproto *w, void *out, size_t out_bytes)
{
	struct call call;

	WITHIN(&call, guard_of(w), out && out_bytes == KEY_BYTES) {
		struct wg_public public;

		if (tunnel_public_key(w->tunnel, &public))
			memcpy(out, &public, sizeof public);
		else
			call.result = WGPROTO_END;
	}
	return call_end(&call);
}

enum wgproto_result wgproto_expire_sessions(struct wgproto *w)
{
	struct call call;

	WITHIN(&call, guard_of(w), true) {
		guard_publish_begin(w->guard);
		tunnel_expire_sessions(w->tunnel);
		guard_publish_end(w->guard);
	}
	return call_end(&call);
}

enum wgproto_result wgproto_clear_sources(struct wgproto *w)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		tunnel_clear_sources(w->tunnel);
	return call_end(&call);
}

enum wgproto_result wgproto_reserve(struct wgproto *w, size_t n_peers, size_t n_allowed_ips)
{
	struct call call;

	WITHIN(&call, guard_of(w), true)
		if (tunnel_reserve(w->tunnel, n_peers, n_allowed_ips) != 0)
			call.result = WGPROTO_NO_MEMORY;
	return call_end(&call);
}

/* ---- hand-over ---- */

enum wgproto_result wgproto_export(struct wgproto *w, void *out, size_t *n)
{
	struct call call;

	WITHIN(&call, guard_of(w), n && (out || *n == 0)) {
		size_t space = *n;

		*n = tunnel_export_bytes(w->tunnel);
		if (space < *n || !tunnel_export(w->tunnel, out, *n))
			call.result = WGPROTO_INVALID;
	}
	return call_end(&call);
}

static bool is_new(const struct wg_tunnel *t)
{
	struct wg_public key;
	struct wg_load load;

	tunnel_load(t, &load);
	return load.peers == 0 && !tunnel_public_key(t, &key);
}

enum wgproto_result wgproto_import(struct wgproto *w, uint64_t now_ns, const void *state, size_t n)
{
	struct call call;

	WITHIN(&call, guard_of(w), state != NULL) {
		if (!is_new(w->tunnel)) {
			call.result = WGPROTO_INVALID;
		} else {
			int error = tunnel_import(w->tunnel, now_ns, state, n);

			if (error)
				call_close(&call, error == -ENOMEM ? WGPROTO_NO_MEMORY : WGPROTO_INVALID,
					   "the state could not be imported");
		}
	}
	return call_end(&call);
}
