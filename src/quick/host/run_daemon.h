/* The wireguardd of `run`: an ordinary process outside the namespaces of the command. */
#ifndef WG_QUICK_RUN_DAEMON_H
#define WG_QUICK_RUN_DAEMON_H

#include <sys/types.h>

#include "model/binding.h"
#include "quick/config/settings.h"

enum { RUN_QUEUES_MAX = 8, RUN_SOCKETS = 4 };

/* Descriptors that the first process of the namespaces opened. */
struct run_device {
	int queues[RUN_QUEUES_MAX]; /* of the TUN */
	size_t n_queues;
	int sockets[RUN_SOCKETS];   /* two of rtnetlink, raw ones for ICMP and ICMPv6; -1: none */
};

struct run_daemon {
	pid_t pid;     /* 0: it does not run */
	pid_t setup;   /* the process that configures it, which may take long if the daemon hangs; 0: none */
	bool is_ready; /* it is configured */
	int log;       /* its standard error; -1: none */
};

/* Starts it with this device, and another process that configures it; both end with this process. 0, or -errno after
 * reporting. */
must_check int run_daemon_start(struct run_daemon *d, const struct run_device *device, const struct wg_device *patch,
				const struct wg_binding *binding, const struct settings *set);
/* After SIGCHLD. 0: nothing to be done, d->is_ready may have become true; -errno: it has ended, or could not be configured and
 * was ended; the latter is reported. */
must_check int run_daemon_reap(struct run_daemon *d);
/* Reads what it has logged: passes it on if the user has set LOG_LEVEL, else discards it. */
void run_daemon_read_log(struct run_daemon *d);
void run_daemon_end(struct run_daemon *d);

#endif
