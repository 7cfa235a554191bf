/* CLOCK_BOOTTIME and CLOCK_REALTIME. */
#include "clock.h"

#include <time.h>

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		unreachable();
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_wall_steady(struct clock_wall *w, uint64_t wall_ns, uint64_t boot_ns)
{
	uint64_t steady = w->last_ns + (boot_ns - w->last_boot_ns);

	if (w->last_boot_ns != 0 && wall_ns < steady)
		wall_ns = steady;
	w->last_ns = wall_ns;
	w->last_boot_ns = boot_ns;
	return wall_ns;
}

uint64_t clock_wall_now(struct clock_wall *w)
{
	return clock_wall_steady(w, clock_ns(CLOCK_REALTIME), clock_boot_ns());
}
