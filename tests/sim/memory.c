/* Checks of the heap: a hash table of blocks by address, and one of secrets, each as two halves of 16
 * bytes. */
#include "memory.h"
#include <stdlib.h>
#include "rng.h"

enum { OWNERS = 65, HALF = 16, SLOTS_FIRST = 1024, FILTER_BITS = 1 << 16 };

struct block {
	void *p;
	size_t n;
	unsigned int owner;
};

struct half {
	uint8_t b[HALF];
	const char *what; /* null: the slot is empty */
	uint32_t id;	  /* of the key it is a half of */
	uint8_t kind;
};

static struct block *blocks;
static size_t blocks_slots, blocks_used;
static struct half *halves;
static size_t halves_slots, halves_used;
static uint8_t filter[FILTER_BITS / 8];
static uint32_t next_secret_id;

static size_t live_bytes[OWNERS], live_blocks[OWNERS], peak_bytes[OWNERS];
static unsigned int owner_now;
static bool banned_now;
static uint32_t fail_permille;
static struct rng fail_rng;
void (*memory_violation)(const char *rule, const char *what);

void *__real_malloc(size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

void memory_enter(unsigned int owner)
{
	owner_now = owner;
}

void memory_leave(void)
{
	owner_now = 0;
}

void memory_ban(bool banned)
{
	banned_now = banned;
}

void memory_fail_permille(uint32_t permille, uint64_t seed)
{
	fail_permille = permille;
	fail_rng = rng_stream(seed, 77);
}

static uint64_t mix(uint64_t v)
{
	v = (v ^ (v >> 29)) * 0xbf58476d1ce4e5b9ull;
	return v ^ (v >> 32);
}

static void *must_malloc(size_t n)
{
	void *p = __real_malloc(n);

	if (!p)
		abort();
	memset(p, 0, n);
	return p;
}

/* ---- secrets ---- */

static struct half *half_find(const uint8_t *p)
{
	size_t at = mix(load_le64(p)) & (halves_slots - 1);

	while (halves[at].what && memcmp(halves[at].b, p, HALF) != 0)
		at = (at + 1) & (halves_slots - 1);
	return &halves[at];
}

static void halves_grow(void)
{
	struct half *old = halves;
	size_t old_slots = halves_slots;

	halves_slots = old_slots ? old_slots * 2 : SLOTS_FIRST;
	halves = must_malloc(halves_slots * sizeof *halves);
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].what)
			*half_find(old[i].b) = old[i];
	__real_free(old);
}

void memory_secret(const uint8_t key[32], enum memory_secret kind, const char *what)
{
	uint32_t id = next_secret_id++;

	for (size_t i = 0; i < 32; i += HALF) {
		if (halves_used * 2 >= halves_slots)
			halves_grow();
		struct half *h = half_find(key + i);
		if (h->what)
			continue;
		memcpy(h->b, key + i, HALF);
		h->what = what;
		h->kind = (uint8_t)kind;
		h->id = id;
		halves_used++;
		size_t bit = load_le32(key + i) % FILTER_BITS;
		filter[bit / 8] |= (uint8_t)(1 << bit % 8);
	}
}

/* The first secret of these kinds from p[*at] on; *at becomes its position. */
static const struct half *scan(const uint8_t *p, size_t n, unsigned int kinds, size_t *at)
{
	for (size_t i = *at; halves_used != 0 && i + HALF <= n; i++) {
		size_t bit = load_le32(p + i) % FILTER_BITS;
		if (!(filter[bit / 8] >> bit % 8 & 1))
			continue;
		const struct half *h = half_find(p + i);
		if (h->what && (h->kind & kinds)) {
			*at = i;
			return h;
		}
	}
	return NULL;
}

const char *memory_find(unsigned int owner, enum memory_secret kind)
{
	for (size_t i = 0; i < blocks_slots; i++) {
		size_t at = 0;
		if (!blocks[i].p || blocks[i].owner != owner)
			continue;
		const struct half *h = scan(blocks[i].p, blocks[i].n, kind, &at);
		if (h)
			return h->what;
	}
	return NULL;
}

unsigned int memory_count(unsigned int owner, enum memory_secret kind)
{
	uint8_t *seen = must_malloc(next_secret_id + 1);
	unsigned int count = 0;

	for (size_t i = 0; i < blocks_slots; i++) {
		const struct half *h;
		if (!blocks[i].p || blocks[i].owner != owner)
			continue;
		for (size_t at = 0; (h = scan(blocks[i].p, blocks[i].n, kind, &at)); at++) {
			count += !seen[h->id];
			seen[h->id] = 1;
		}
	}
	__real_free(seen);
	return count;
}

/* ---- blocks ---- */

static struct block *block_find(const void *p)
{
	size_t at = mix((uintptr_t)p >> 4) & (blocks_slots - 1);

	while (blocks[at].p && blocks[at].p != p)
		at = (at + 1) & (blocks_slots - 1);
	return &blocks[at];
}

static void blocks_grow(void)
{
	struct block *old = blocks;
	size_t old_slots = blocks_slots;

	blocks_slots = old_slots ? old_slots * 2 : SLOTS_FIRST;
	blocks = must_malloc(blocks_slots * sizeof *blocks);
	for (size_t i = 0; i < old_slots; i++)
		if (old[i].p)
			*block_find(old[i].p) = old[i];
	__real_free(old);
}

static void block_add(void *p, size_t n)
{
	if ((blocks_used + 1) * 2 >= blocks_slots)
		blocks_grow();
	*block_find(p) = (struct block){p, n, owner_now};
	blocks_used++;
	live_blocks[owner_now]++;
	live_bytes[owner_now] += n;
	if (live_bytes[owner_now] > peak_bytes[owner_now])
		peak_bytes[owner_now] = live_bytes[owner_now];
}

/* Removes a slot from the table and moves back blocks whose probe passed it. */
static void block_remove(struct block *b)
{
	size_t hole = (size_t)(b - blocks);

	live_blocks[b->owner]--;
	live_bytes[b->owner] -= b->n;
	blocks_used--;
	b->p = NULL;
	for (size_t at = (hole + 1) & (blocks_slots - 1); blocks[at].p;
	     at = (at + 1) & (blocks_slots - 1)) {
		struct block moved = blocks[at];
		blocks[at].p = NULL;
		*block_find(moved.p) = moved;
	}
}

size_t memory_bytes(unsigned int owner)
{
	return live_bytes[owner];
}

size_t memory_blocks(unsigned int owner)
{
	return live_blocks[owner];
}

size_t memory_peak_bytes(unsigned int owner)
{
	return peak_bytes[owner];
}

void memory_reset(void)
{
	__real_free(blocks);
	__real_free(halves);
	blocks = NULL;
	halves = NULL;
	blocks_slots = blocks_used = halves_slots = halves_used = 0;
	next_secret_id = 0;
	memset(filter, 0, sizeof filter);
	memset(live_bytes, 0, sizeof live_bytes);
	memset(live_blocks, 0, sizeof live_blocks);
	memset(peak_bytes, 0, sizeof peak_bytes);
	fail_permille = 0;
	banned_now = false;
	owner_now = 0;
}

/* ---- wrapped functions ---- */

void *__wrap_malloc(size_t n)
{
	if (owner_now == 0)
		return __real_malloc(n);
	if (banned_now)
		memory_violation("the data half allocates", "malloc");
	if (rng_permille(&fail_rng, fail_permille))
		return NULL;
	void *p = __real_malloc(n ? n : 1);
	if (p) {
		memset(p, 0xa5, n); /* never zeroed by accident */
		block_add(p, n);
	}
	return p;
}

void *__wrap_calloc(size_t count, size_t n)
{
	size_t all;

	if (__builtin_mul_overflow(count, n, &all))
		return NULL;
	void *p = __wrap_malloc(all);
	if (p)
		memset(p, 0, all);
	return p;
}

void __wrap_free(void *p)
{
	struct block *b = p && blocks_slots ? block_find(p) : NULL;
	size_t at = 0;

	if (b && b->p) {
		const struct half *h = scan(p, b->n, SECRET_SESSION | SECRET_STATIC, &at);
		if (h)
			memory_violation("a block is freed with a secret in it", h->what);
		block_remove(b);
	}
	__real_free(p);
}

void *__wrap_realloc(void *p, size_t n)
{
	struct block *b = p && blocks_slots ? block_find(p) : NULL;
	size_t old;

	if (!p)
		return __wrap_malloc(n);
	if (!b || !b->p) { /* a block of the simulator */
		void *__real_realloc(void *, size_t);
		return __real_realloc(p, n);
	}
	old = b->n;
	void *moved = __wrap_malloc(n); /* always moves, so that the old block is checked */
	if (moved) {
		memcpy(moved, p, old < n ? old : n);
		__wrap_free(p);
	}
	return moved;
}
