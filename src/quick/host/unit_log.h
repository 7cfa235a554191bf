/* Messages in the journal of systemd(1) about a unit. */
#ifndef WG_QUICK_UNIT_LOG_H
#define WG_QUICK_UNIT_LOG_H

#include "base/base.h"

enum unit_log_level { UNIT_LOG_ERROR = 3, UNIT_LOG_WARNING = 4, UNIT_LOG_INFO = 6 }; /* of syslog(3) */

/* Writes a line that `systemctl status wg-quick@NAME` shows. False: standard error is not the journal of systemd, or it cannot
 * be reached. */
must_check bool unit_log(const char *name, enum unit_log_level level, const char *text);

#endif
