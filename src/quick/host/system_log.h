/* The system log, for events at which no terminal may be open. */
#ifndef WG_QUICK_SYSTEM_LOG_H
#define WG_QUICK_SYSTEM_LOG_H

/* "wg-quick: INTERFACE: text" as a warning; where there is no log, nothing. */
void system_log(const char *interface, const char *text);

#endif
