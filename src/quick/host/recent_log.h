/* The last log messages about a tunnel. */
#ifndef WG_QUICK_RECENT_LOG_H
#define WG_QUICK_RECENT_LOG_H

#include "base/vector.h"
#include "quick/config/settings.h"

/* Appends at most n lines, the oldest first: of the log file that wgsuite.ini sets for wireguardd, else of the systemd journal.
 * pid: the daemon's, or 0. Nothing where there is no log, or this user may not read it. */
void recent_log(struct string_list *out, const char *name, int pid, size_t n, const struct settings *set);

#endif
