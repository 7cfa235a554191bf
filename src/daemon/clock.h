/* The two clocks: one that counts suspend and never jumps, for ages and deadlines; and the wall's, for
 * handshake timestamps, which never goes back while the process lives. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "../base/base.h"

uint64_t clock_boot_ns(void);

/* The wall clock made steady: set back, it goes on from where it was. */
struct clock_wall {
	uint64_t last_ns, last_boot_ns;
};
/* The time to use when the wall shows wall_ns at boot_ns. */
uint64_t clock_wall_steady(struct clock_wall *w, uint64_t wall_ns, uint64_t boot_ns);
uint64_t clock_wall_now(struct clock_wall *w);

#endif
