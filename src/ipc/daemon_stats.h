/* The statistics socket of wireguardd(8). */
#ifndef WG_IPC_DAEMON_STATS_H
#define WG_IPC_DAEMON_STATS_H

#include "base/vector.h"

/* Appends what the daemon of the device sends, which is not validated. dir: null: RUNSTATEDIR "/wgsuite". 0; -ENOENT:
 * there is no such socket, or the daemon has died; -ETIMEDOUT: it does not finish in time; -EMSGSIZE: it sends too much;
 * or another -errno. */
must_check int ipc_daemon_stats(const char *dir, const char *device, struct text *out);

#endif
