/* A file that a detached process watches until a deadline: the process holds a lock on the file, and exits when the file is
 * removed or replaced. Functions return 0 or a descriptor, or -errno, unless they say otherwise. */
#ifndef WG_QUICK_WATCHED_FILE_H
#define WG_QUICK_WATCHED_FILE_H

#include "base/text.h"
#include "temporary_file.h"

/* Creates a temporary file, next to the path, that only its owner can read, and that is locked. A process can watch it before it
 * replaces the file. */
must_check int watched_file_create(struct temporary_file *f, const char *path, struct span text);
/* Locks the file. The descriptor; -EWOULDBLOCK: a process has locked it. */
must_check int watched_file_lock(const char *path);
bool watched_file_is_locked(const char *path);
/* Appends the contents to *out. */
must_check int watched_file_read(int fd, struct text *out);
must_check int watched_file_write(int fd, size_t offset, struct span text);
void watched_file_close(int fd);

/* Starts this program with these arguments, ended by null, in a new session that survives this process and its
 * terminal. It inherits the descriptor, whose number is in an environment variable. */
must_check int watched_file_start(int fd, const char *const argv[]);
/* In that process: the descriptor, or -1. */
int watched_file_inherited(void);
/* In that process, which may be one of a session or of a unit: asks systemd, where it runs, to put the process into a new scope,
 * so that it is not killed with them. */
void watched_file_leave_unit(void);

struct file_watch {
	int fd, events, timer;
};
void file_watch_open(struct file_watch *w, int fd);
void file_watch_close(struct file_watch *w);
/* Waits until CLOCK_BOOTTIME reaches the deadline or the file changes. */
void file_watch_wait(struct file_watch *w, uint64_t deadline_ms);
/* False: the file was removed or replaced. */
bool file_watch_exists(const struct file_watch *w);

#endif
