/* Lock files: their holder deletes them, so that no files are left when nothing is running. */
#ifndef WG_QUICK_LOCK_FILE_H
#define WG_QUICK_LOCK_FILE_H

#include "base/base.h"

/* Locks the file, creating it and its folder. While another process holds it, waits up to `timeout_s`, and after a
 * second reports who holds it; if that is negative, does not wait. The descriptor, or -errno: -EINTR after a signal,
 * -ETIMEDOUT (reported), -EWOULDBLOCK without waiting. */
must_check int lock_file_acquire(const char *folder, const char *path, int timeout_s);
void lock_file_release(const char *path, int fd);
/* Deletes a lock file that a killed process left; one that is held stays. */
void lock_file_sweep(const char *path);

/* True when a process holds it. */
bool lock_file_is_held(const char *path);

#endif
