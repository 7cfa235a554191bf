/* Wiping and comparison with barriers against the optimiser. */
#include "mem.h"

void mem_wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ volatile("" : : "r"(p) : "memory"); /* the asm may read the zeros, so that the store remains */
}

/* 0 if the bytes are equal, or zero if b is null. The barrier prevents compilers from ending the loop early. */
static uint32_t fold_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t diff = 0;

	for (size_t i = 0; i < n; i++) {
		diff |= (uint32_t)(a[i] ^ (b ? b[i] : 0));
		value_barrier(diff);
	}
	return diff;
}

bool mem_equal_ct(const void *a, const void *b, size_t n)
{
	return (1 & ((fold_difference(a, b, n) - 1) >> 8)) != 0;
}

bool mem_is_zero_ct(const void *p, size_t n)
{
	return (1 & ((fold_difference(p, NULL, n) - 1) >> 8)) != 0;
}
