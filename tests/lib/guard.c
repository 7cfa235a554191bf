/* Buffers between unmapped pages, and splitmix64. */
#include "guard.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void guard_init(struct guard *g, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (n + page - 1) / page * page;
	uint8_t *p = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + page, inner, PROT_READ | PROT_WRITE) != 0)
		abort();
	*g = (struct guard){ p + page, p + page + inner, p, inner + 2 * page };
}

void guard_free(struct guard *g)
{
	(void)munmap(g->map, g->map_n);
	*g = (struct guard){ 0 };
}

uint64_t prng_u64(struct prng *c) /* splitmix64 */
{
	uint64_t z = c->x += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t prng_below(struct prng *c, uint32_t n)
{
	return (uint32_t)((prng_u64(c) >> 32) * n >> 32);
}

void prng_bytes(struct prng *c, void *p, size_t n)
{
	uint8_t *b = p;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = prng_u64(c);
		memcpy(b + i, &v, n - i < 8 ? n - i : 8);
	}
}
