/* The two clocks: CLOCK_BOOTTIME, which counts suspend and never jumps, for ages and deadlines; CLOCK_REALTIME,
 * which jumps when the system time is set, for handshake timestamps and for display. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "base/base.h"

uint64_t clock_boot_ns(void);
uint64_t clock_wall_ns(void); /* since 1970, UTC */
uint64_t clock_thread_ns(void); /* CPU time of the calling thread */

#endif
