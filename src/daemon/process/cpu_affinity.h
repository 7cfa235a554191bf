/* Binding a thread to one CPU (sched_setaffinity(2)). */
#ifndef DAEMON_CPU_AFFINITY_H
#define DAEMON_CPU_AFFINITY_H

#include <pthread.h>
#include "base/base.h"

/* The thread runs on CPU number n, from 0, of those that the calling thread may use, which take turns if there are fewer. 0 or
 * -errno. */
must_check int cpu_affinity_set(pthread_t thread, unsigned int n);

#endif
