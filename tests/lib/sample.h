/* Samples of random and exhaustive tests, for where each round takes long: WGSUITE_SAMPLE=N (default: 1, all) runs one
 * of N rounds, another one each day (WGSUITE_DAY). */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

/* Which members of a list to try: the first, and the distance from one to the next. */
size_t sample_first(void);
size_t sample_step(void);

/* How many of n random rounds, and their seed, which is `seed` if all run. */
int sample_rounds(int n);
uint32_t sample_seed(uint32_t seed);

#endif
