/* The counters of a tunnel, and the tables of their names. */
#include "counts.h"

#include "tunnel_state.h"

static const struct { const char *name, *text; enum wg_scope scope; } drops[] = {
#define X(word, name, scope, text) { name, text, WG_SCOPE_##scope },
	WG_DROPS(X)
#undef X
};

const char *wg_drop_name(enum wg_drop drop)
{
	return (size_t)drop < ARRAY_LEN(drops) ? drops[drop].name : "unknown";
}

const char *wg_drop_text(enum wg_drop drop)
{
	return (size_t)drop < ARRAY_LEN(drops) ? drops[drop].text : "unknown";
}

enum wg_scope wg_drop_scope(enum wg_drop drop)
{
	return (size_t)drop < ARRAY_LEN(drops) ? drops[drop].scope : WG_SCOPE_NONE;
}

void tunnel_count_drops(struct wg_tunnel *t, enum wg_drop why, uint64_t n)
{
	count_drops(t, why, n);
}

void tunnel_drops(const struct wg_tunnel *t, uint64_t counts[WG_DROP_COUNT])
{
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		counts[i] = atomic_load_explicit(&t->drops[i], memory_order_relaxed);
}

void tunnel_events(const struct wg_tunnel *t, uint64_t counts[WG_EVENT_COUNT])
{
	for (unsigned int i = 0; i < WG_EVENT_COUNT; i++)
		counts[i] = atomic_load_explicit(&t->events[i], memory_order_relaxed);
}

void tunnel_load(const struct wg_tunnel *t, struct wg_load *out)
{
	*out = (struct wg_load){
		.peers = t->peers.n,
		.receiver_indices = t->indices.n,
		.timers = t->timers.n,
		.outbox = t->outbox.n - t->outbox.first,
		.staged_bytes = t->staged_bytes,
	};
}
