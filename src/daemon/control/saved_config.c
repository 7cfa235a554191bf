/* Two texts in memory, and a word that indicates which of them is valid. */
#include "saved_config.h"

#include <assert.h>
#include <stdatomic.h>
#include "base/mem.h"

#define MAGIC 0x67636d6463777367ull

struct header {
	uint64_t magic;
	uint64_t n[2];             /* bytes of each text */
	uint32_t number[2];        /* of each text */
	_Atomic uint32_t latest;   /* 1 + the half with the latest text; 0: none */
};
static_assert(sizeof(struct header) <= SAVED_CONFIG_HEADER_BYTES, "the header fits");

static size_t half_bytes(size_t bytes)
{
	return (bytes - SAVED_CONFIG_HEADER_BYTES) / 2;
}

static uint32_t latest_of(const struct header *h)
{
	return atomic_load(&((struct header *)(uintptr_t)h)->latest);
}

static char *half(const void *memory, size_t bytes, uint32_t which)
{
	return (char *)(uintptr_t)memory + SAVED_CONFIG_HEADER_BYTES + which * half_bytes(bytes);
}

size_t saved_config_bytes(size_t text_bytes)
{
	return SAVED_CONFIG_HEADER_BYTES + 2 * text_bytes;
}

char *saved_config_space(void *memory, size_t bytes, size_t *n)
{
	*n = half_bytes(bytes);
	return half(memory, bytes, latest_of(memory) == 1);
}

void saved_config_commit(void *memory, size_t bytes, size_t n, uint32_t number)
{
	struct header *h = memory;
	uint32_t now = latest_of(h) == 1;

	h->magic = MAGIC;
	h->n[now] = n;
	h->number[now] = number;
	atomic_store(&h->latest, now + 1);
	mem_wipe(half(memory, bytes, !now), half_bytes(bytes)); /* keys may have been replaced or removed */
}

bool saved_config_read(struct span *text, uint32_t *number, const void *memory, size_t bytes)
{
	const struct header *h = memory;
	uint32_t latest = bytes < SAVED_CONFIG_HEADER_BYTES || h->magic != MAGIC ? 0 : latest_of(h);

	if (latest != 1 && latest != 2)
		return false;
	if (h->n[latest - 1] > half_bytes(bytes))
		return false;
	*number = h->number[latest - 1];
	*text = (struct span){ half(memory, bytes, latest - 1), (size_t)h->n[latest - 1] };
	return true;
}
