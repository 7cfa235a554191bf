/* The limits of paths: a hash table with a few places for each path. The hash needs no secret: displacing a limit costs
 * its path a refused message before the datagrams leave one by one, and other paths nothing. */
#include "segment_limits.h"

#include <assert.h>

static_assert((int)SEGMENT_LIMITS % (int)SEGMENT_LIMIT_WAYS == 0, "whole sets");

static uint32_t hash_bytes(uint32_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 4)
		h = (h ^ load_le32(p + i)) * 0x9e3779b1u;
	return h;
}

static size_t first_place(const struct wg_path *path)
{
	uint32_t h = path->remote.port ^ path->remote.scope << 16;

	h = hash_bytes(h, path->remote.addr.b, ip_bytes(&path->remote.addr));
	h = hash_bytes(h, path->local.b, ip_bytes(&path->local));
	h ^= h >> 16;
	return h % (SEGMENT_LIMITS / SEGMENT_LIMIT_WAYS) * SEGMENT_LIMIT_WAYS;
}

static bool is_limit_of(const struct segment_limit *limit, const struct wg_path *path, uint64_t now_ns)
{
	return now_ns < limit->until_ns && endpoint_equal(&limit->remote, &path->remote) &&
	       ip_equal(&limit->local, &path->local);
}

uint32_t segment_limits_find(const struct segment_limits *l, const struct wg_path *path, uint64_t now_ns)
{
	const struct segment_limit *set;

	if (now_ns >= l->until_ns)
		return UINT32_MAX;
	set = &l->all[first_place(path)];
	for (size_t i = 0; i < SEGMENT_LIMIT_WAYS; i++)
		if (is_limit_of(&set[i], path, now_ns))
			return set[i].bytes_max;
	return UINT32_MAX;
}

void segment_limits_note(struct segment_limits *l, const struct wg_path *path, uint32_t bytes_max, uint64_t now_ns)
{
	struct segment_limit *set = &l->all[first_place(path)], *to = set;

	for (size_t i = 0; i < SEGMENT_LIMIT_WAYS; i++) {
		if (is_limit_of(&set[i], path, now_ns)) {
			to = &set[i];
			break;
		}
		if (set[i].until_ns < to->until_ns)
			to = &set[i];
	}
	*to = (struct segment_limit){ path->remote, path->local, bytes_max, now_ns + SEGMENT_LIMIT_NS };
	l->until_ns = to->until_ns;
}

void segment_limits_clear(struct segment_limits *l)
{
	if (l->until_ns == 0)
		return;
	for (size_t i = 0; i < SEGMENT_LIMITS; i++)
		l->all[i].until_ns = 0;
	l->until_ns = 0;
}
