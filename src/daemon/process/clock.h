/* The two clocks: one that counts suspend and never jumps, for ages and deadlines; and the wall's, for
 * handshake timestamps and what is shown, which jumps when somebody sets it. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "base/base.h"

uint64_t clock_boot_ns(void);
uint64_t clock_wall_ns(void);

#endif
