/* Lock files: their holder deletes them, so that no files are left when nothing is running. */
#ifndef WG_QUICK_LOCK_FILE_H
#define WG_QUICK_LOCK_FILE_H

#include "base/base.h"

/* Locks the file, creating it and its folder; blocks until it is free if `wait` is set. The descriptor, or
 * -errno: -EINTR after a signal, -EWOULDBLOCK. */
must_check int lock_file_acquire(const char *folder, const char *path, bool wait);
void lock_file_release(const char *path, int fd);
/* Deletes a lock file that a killed process left; one that is held stays. */
void lock_file_sweep(const char *path);

#endif
