/* Random bytes. */
#include "rng.h"

void rng_bytes(struct rng *c, void *p, size_t n)
{
	uint8_t *out = p;

	while (n != 0) {
		uint8_t word[8];
		size_t part = n < sizeof word ? n : sizeof word;

		store_le64(word, rng_u64(c));
		memcpy(out, word, part);
		out += part;
		n -= part;
	}
}
