/* Messages about devices that cannot be read or changed: upstream's line, and what can be done about it. */
#ifndef WG_ACCESS_H
#define WG_ACCESS_H

/* "Unable to access interface[ NAME]: …"; name may be null. error: -errno of ipc_get. */
void report_no_access(const char *name, int error);
/* "Unable to modify interface: …"; error: -errno of ipc_set. */
void report_not_modified(int error);

#endif
