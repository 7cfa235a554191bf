/* CPU affinity of a thread. */
#include "cpu_affinity.h"

#include <errno.h>
#include <sched.h>

int cpu_affinity_set(pthread_t thread, unsigned int n)
{
	cpu_set_t usable, one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof usable, &usable) != 0)
		return -errno;
	n %= (unsigned int)CPU_COUNT(&usable); /* at least this one */
	for (;; cpu++)
		if (CPU_ISSET(cpu, &usable) && n-- == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return -pthread_setaffinity_np(thread, sizeof one, &one);
}
