/* Clocks. */
#include "clock.h"

#include <time.h>

static uint64_t read_ms(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0 || t.tv_sec < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / NS_PER_MS;
}

uint64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

uint64_t clock_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

void clock_wait_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * (long)NS_PER_MS };

	nanosleep(&t, NULL);
}
