/* The TUN device of `run`, created inside its network namespace for a daemon outside. */
#ifndef WG_QUICK_RUN_TUN_H
#define WG_QUICK_RUN_TUN_H

#include "run_daemon.h"

/* Creates the device, with a queue for each data thread that the daemon has by default, and opens the sockets in its
 * namespace that the daemon needs. 0, or -errno after reporting. */
must_check int run_tun_open(struct run_device *d, const char *name);

#endif
