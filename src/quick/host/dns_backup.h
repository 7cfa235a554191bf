/* The copy of the resolv.conf that the file back-end replaced, on disk: next to the file or, where that is read-only, the
 * nearest place that survives a reboot. The comments of resolv.conf itself have the complete original; the copy is for people,
 * and in case the comments are lost. `folder`: that of the journals, the last resort. */
#ifndef WG_QUICK_DNS_BACKUP_H
#define WG_QUICK_DNS_BACKUP_H

#include <limits.h>

#include "base/vector.h"

#define RESOLV_CONF "/etc/resolv.conf"

/* *path becomes that of the copy, or "" when none could be written. True: there was no such copy before. */
bool dns_backup_write(char path[PATH_MAX], const char *folder, struct span text);
/* Appends the contents, and sets *path. False: there is no copy. */
must_check bool dns_backup_read(char path[PATH_MAX], const char *folder, struct text *out);
void dns_backup_remove(const char *folder);

#endif
