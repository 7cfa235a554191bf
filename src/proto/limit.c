/* Token buckets in hash chains, and a list in the order of last use for eviction. */
#include "limit.h"

#include <assert.h>
#include <stdlib.h>

#include "timers.h"

#define TOKEN_NS (NS_PER_S / LIMIT_PER_S)
#define TOKENS_MAX_NS (TOKEN_NS * LIMIT_BURST)
#define IDLE_NS NS_PER_S

enum { SOURCE_BYTES = 9 };

struct limit_entry { /* links are entry numbers: index + 1; 0: none */
	uint64_t last_ns;
	uint64_t tokens_ns;
	uint8_t source[SOURCE_BYTES]; /* family and address or /64 */
	uint32_t chain;               /* next entry of the same hash, or next free entry */
	uint32_t older, newer;
	uint32_t head;
};

static struct limit_entry *at(struct limit *l, uint32_t number)
{
	assert(number > 0 && number <= l->used);
	return &l->entries[number - 1];
}

static void list_remove(struct limit *l, struct limit_entry *e)
{
	if (e->older)
		at(l, e->older)->newer = e->newer;
	else
		l->oldest = e->newer;
	if (e->newer)
		at(l, e->newer)->older = e->older;
	else
		l->newest = e->older;
}

static void list_append(struct limit *l, struct limit_entry *e)
{
	uint32_t number = (uint32_t)(e - l->entries) + 1;

	e->older = l->newest;
	e->newer = 0;
	if (l->newest)
		at(l, l->newest)->newer = number;
	else
		l->oldest = number;
	l->newest = number;
}

static void evict_oldest(struct limit *l)
{
	uint32_t number = l->oldest, *link = &l->heads[at(l, number)->head];

	while (*link != number)
		link = &at(l, *link)->chain;
	*link = at(l, number)->chain;
	list_remove(l, at(l, number));
	at(l, number)->chain = l->free;
	l->free = number;
	l->n--;
}

static bool allocate_tables(struct limit *l)
{
	if (l->entries)
		return true;
	l->entries = malloc(LIMIT_ENTRIES_MAX * sizeof *l->entries);
	l->heads = calloc(LIMIT_ENTRIES_MAX, sizeof *l->heads);
	if (l->entries && l->heads)
		return true;
	limit_free(l);
	return false;
}

static struct limit_entry *add(struct limit *l, const uint8_t source[SOURCE_BYTES], uint32_t head)
{
	uint32_t number = l->free;
	struct limit_entry *e;

	if (number)
		l->free = at(l, number)->chain;
	else if (l->used < LIMIT_ENTRIES_MAX)
		number = ++l->used;
	else
		return NULL;
	e = at(l, number);
	memcpy(e->source, source, SOURCE_BYTES);
	e->tokens_ns = TOKENS_MAX_NS;
	e->head = head;
	e->chain = l->heads[head];
	l->heads[head] = number;
	list_append(l, e);
	l->n++;
	return e;
}

static struct limit_entry *find(struct limit *l, const uint8_t source[SOURCE_BYTES], uint32_t head)
{
	for (uint32_t i = l->heads[head]; i; i = at(l, i)->chain)
		if (memcmp(at(l, i)->source, source, SOURCE_BYTES) == 0)
			return at(l, i);
	return NULL;
}

void limit_set_secret(struct limit *l, const uint8_t secret[LIMIT_SECRET_BYTES])
{
	const void *key = secret;

	mac_keys(&l->secret, &key, LIMIT_SECRET_BYTES, 1);
}

bool limit_allows(struct limit *l, uint64_t now_ns, const struct ip_addr *from)
{
	uint8_t source[SOURCE_BYTES] = { from->family };
	struct mac_job job = { .key = &l->secret, .p = source, .n = sizeof source };
	struct limit_entry *e;
	uint32_t head;

	if (!allocate_tables(l))
		return false;
	memcpy(source + 1, from->b, from->family == IP_V4 ? 4 : 8);
	mac16_many(&job, 1);
	head = load_le32(job.out) % LIMIT_ENTRIES_MAX;
	while (l->oldest && ns_since(now_ns, at(l, l->oldest)->last_ns) > IDLE_NS)
		evict_oldest(l);
	e = find(l, source, head);
	if (e) {
		e->tokens_ns += ns_since(now_ns, e->last_ns);
		if (e->tokens_ns > TOKENS_MAX_NS)
			e->tokens_ns = TOKENS_MAX_NS;
		list_remove(l, e);
		list_append(l, e);
	} else {
		e = add(l, source, head);
		if (!e)
			return false;
	}
	e->last_ns = now_ns;
	if (e->tokens_ns < TOKEN_NS)
		return false;
	e->tokens_ns -= TOKEN_NS;
	return true;
}

void limit_free(struct limit *l)
{
	free(l->entries);
	free(l->heads);
	l->entries = NULL;
	l->heads = NULL;
	l->n = l->used = l->free = l->oldest = l->newest = 0;
}
