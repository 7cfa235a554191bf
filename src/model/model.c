/* Memory of device models, and the index of peers. */
#include "model.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { CAP_FIRST = 2, CAP_LARGE = 4096, CAP_MAX = 1 << 28, LARGE_STEP = 4 };

static void *array_new(uint32_t n, size_t size)
{
	return n <= SIZE_MAX / size ? malloc(n * size) : NULL;
}

/* Untouched memory costs address space only, while copying costs time and memory: large arrays grow in large steps, unless
 * address space is short. */
static void *array_enlarge(uint32_t *cap, size_t size)
{
	uint32_t more = *cap > 0 ? *cap * 2 : CAP_FIRST; /* most peers have one or two prefixes */
	void *larger = NULL;

	if (*cap >= CAP_MAX)
		return NULL;
	if (*cap >= CAP_LARGE) {
		larger = array_new(LARGE_STEP * more, size);
		more *= larger ? LARGE_STEP : 1;
	}
	if (!larger)
		larger = array_new(more, size);
	if (larger)
		*cap = more;
	return larger;
}

/* Makes space for one more element. The array may hold secrets, so the old memory is wiped. */
static bool array_grow(void **array, uint32_t n, uint32_t *cap, size_t size)
{
	uint8_t *larger;

	assert(n <= *cap);
	if (n < *cap)
		return true;
	larger = array_enlarge(cap, size);
	if (!larger)
		return false;
	if (n > 0) {
		memcpy(larger, *array, n * size);
		mem_wipe(*array, n * size);
	}
	free(*array);
	*array = larger;
	return true;
}

static void free_owned(struct wg_peer *p)
{
	free(p->host);
	free(p->name);
	free(p->allowedips);
}

void peer_free(struct wg_peer *p)
{
	free_owned(p);
	mem_wipe(p, sizeof *p);
}

void device_free(struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		free_owned(&d->peers[i]);
	if (d->peers)
		mem_wipe(d->peers, d->n_peers * sizeof *d->peers);
	free(d->peers);
	mem_wipe(d, sizeof *d);
}

struct wg_peer *device_add_peer(struct wg_device *d)
{
	void *peers = d->peers;
	struct wg_peer *p;

	if (!array_grow(&peers, d->n_peers, &d->cap_peers, sizeof *p))
		return NULL;
	d->peers = peers;
	p = &d->peers[d->n_peers++];
	memset(p, 0, sizeof *p);
	return p;
}

struct wg_allowedip *peer_add_allowedip(struct wg_peer *p)
{
	void *list = p->allowedips;
	struct wg_allowedip *a;

	if (!array_grow(&list, p->n_allowedips, &p->cap_allowedips, sizeof *a))
		return NULL;
	p->allowedips = list;
	a = &p->allowedips[p->n_allowedips++];
	memset(a, 0, sizeof *a);
	return a;
}

static bool string_copy(char **out, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;

	*out = s ? malloc(n) : NULL;
	if (*out)
		memcpy(*out, s, n);
	return *out || !s;
}

bool peer_copy(struct wg_peer *out, const struct wg_peer *p)
{
	size_t bytes = p->n_allowedips * sizeof *p->allowedips;
	bool ok;

	*out = *p;
	out->cap_allowedips = p->n_allowedips;
	out->allowedips = NULL;
	ok = string_copy(&out->host, p->host);
	ok = string_copy(&out->name, p->name) && ok;
	if (bytes > 0) {
		out->allowedips = malloc(bytes);
		if (out->allowedips)
			memcpy(out->allowedips, p->allowedips, bytes);
		ok = out->allowedips && ok;
	}
	if (!ok)
		peer_free(out);
	return ok;
}

bool device_copy(struct wg_device *out, const struct wg_device *d)
{
	*out = *d;
	out->peers = NULL;
	out->n_peers = out->cap_peers = 0;
	if (d->n_peers == 0)
		return true;
	out->peers = calloc(d->n_peers, sizeof *out->peers);
	if (!out->peers) {
		device_free(out);
		return false;
	}
	out->cap_peers = d->n_peers;
	for (uint32_t i = 0; i < d->n_peers; i++) {
		if (!peer_copy(&out->peers[i], &d->peers[i])) {
			device_free(out);
			return false;
		}
		out->n_peers++;
	}
	return true;
}

static uint32_t key_hash(const struct wg_public *key)
{
	uint64_t h = 0;

	for (int i = 0; i < KEY_BYTES; i += 8) {
		h ^= load_le64(key->b + i);
		h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ull; /* keys may differ in a single byte */
	}
	return (uint32_t)(h >> 32);
}

/* The slot with this key, or the empty slot for it. */
static uint32_t *index_slot(const struct peer_index *x, const struct wg_device *d,
			    const struct wg_public *key)
{
	uint32_t at = key_hash(key) & x->mask;

	assert((x->mask & (x->mask + 1)) == 0 && d->n_peers <= x->mask); /* an empty slot ends each search */
	while (x->slots[at] != 0 &&
	       memcmp(&d->peers[x->slots[at] - 1].public_key, key, sizeof *key) != 0)
		at = (at + 1) & x->mask;
	return &x->slots[at];
}

bool peer_index_build(struct peer_index *x, const struct wg_device *d)
{
	uint64_t size = 4;

	while (size < 2 * (uint64_t)d->n_peers) /* at most half full */
		size *= 2;
	x->slots = calloc((size_t)size, sizeof *x->slots);
	x->mask = (uint32_t)(size - 1);
	if (!x->slots)
		return false;
	for (uint32_t i = 0; i < d->n_peers; i++)
		*index_slot(x, d, &d->peers[i].public_key) = i + 1;
	return true;
}

struct wg_peer *peer_index_find(const struct peer_index *x, const struct wg_device *d,
				const struct wg_public *key)
{
	uint32_t slot = x->slots ? *index_slot(x, d, key) : 0;

	assert(slot <= d->n_peers); /* the peers have not changed since the index was built */
	return slot > 0 ? &d->peers[slot - 1] : NULL;
}

void peer_index_free(struct peer_index *x)
{
	free(x->slots);
	memset(x, 0, sizeof *x);
}

static void clamp(struct wg_private *out, const struct wg_private *key)
{
	*out = *key;
	if (!mem_is_zero_ct(out, sizeof *out)) { /* zeros stand for no key */
		out->b[0] &= 248;
		out->b[31] = (uint8_t)((out->b[31] & 127) | 64);
	}
}

bool private_key_equal(const struct wg_private *a, const struct wg_private *b)
{
	struct wg_private x, y;
	bool equal;

	clamp(&x, a);
	clamp(&y, b);
	equal = mem_equal_ct(&x, &y, sizeof x);
	mem_wipe(&x, sizeof x);
	mem_wipe(&y, sizeof y);
	return equal;
}

bool device_name_is_valid(struct span name)
{
	if (name.n == 0 || name.n >= WG_NAME_MAX || span_is(name, ".") || span_is(name, ".."))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower(name.p[i]);
		if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) &&
		    (c == '\0' || !strchr("_=+.-", c)))
			return false;
	}
	return true;
}
