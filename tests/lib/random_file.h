/* Random tunnel files that the parser accepts, in every spelling that it accepts. */
#ifndef TESTS_RANDOM_FILE_H
#define TESTS_RANDOM_FILE_H

#include "base/vector.h"
#include "model/model.h"

/* SplitMix64. */
uint64_t random_next(uint64_t *seed);
/* 0 … n-1 */
unsigned int random_below(uint64_t *seed, unsigned int n);

void random_file(struct text *out, uint64_t *seed);

/* Values of which there are only a few, so that they meet. */
void random_public_key(struct wg_public *out, uint64_t *seed);
struct ip_prefix random_prefix(uint64_t *seed);
void random_endpoint(struct ip_endpoint *out, uint64_t *seed);

#endif
