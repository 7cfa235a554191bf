/* The latest action of `wg-quick monitor` for a tunnel: a file next to the journal, for `status`. */
#ifndef WG_QUICK_MONITOR_STATUS_H
#define WG_QUICK_MONITOR_STATUS_H

#include "base/vector.h"
#include "model/model.h"

enum { MONITOR_STATUS_MAX = 512 };

struct monitor_status {
	uint64_t at_ms; /* by CLOCK_BOOTTIME; 0: nothing was done */
	char text[MONITOR_STATUS_MAX];
};
/* Failures cost the line of `status` only. */
void monitor_status_write(const char *name, const struct monitor_status *r);
void monitor_status_read(struct monitor_status *out, const char *name);
void monitor_status_remove(const char *name);

/* The lock that the monitor of this network namespace holds while it runs, which also keeps the folder of the journals. The
 * descriptor, or -errno: -EWOULDBLOCK when another process is the monitor. */
must_check int monitor_lock_acquire(void);
void monitor_lock_release(int lock);
/* True while a monitor runs. */
bool monitor_is_running(void);

#endif
