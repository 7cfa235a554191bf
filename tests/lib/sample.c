/* Samples of random and exhaustive tests, see sample.h. */
#include <stdlib.h>
#include "sample.h"

static size_t from_environment(const char *name)
{
	const char *text = getenv(name);

	return text ? (size_t)strtoul(text, NULL, 10) : 0;
}

size_t sample_step(void)
{
	size_t n = from_environment("WGSUITE_SAMPLE");

	return n > 1 ? n : 1;
}

size_t sample_first(void)
{
	return from_environment("WGSUITE_DAY") % sample_step();
}

int sample_rounds(int n)
{
	return (int)(((size_t)n + sample_step() - 1) / sample_step());
}

uint32_t sample_seed(uint32_t seed)
{
	return sample_step() == 1 ? seed : seed + (uint32_t)from_environment("WGSUITE_DAY");
}
