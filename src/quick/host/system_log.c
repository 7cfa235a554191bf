/* The system log. */
#include "system_log.h"

#include <syslog.h>

void system_log(const char *interface, const char *text)
{
	openlog("wg-quick", LOG_PID, LOG_DAEMON);
	syslog(LOG_WARNING, "%s: %s", interface, text);
	closelog();
}
