/* A file that is written under a temporary name, PATH with a suffix, before it is renamed to PATH. The suffix is fixed, so
 * the next process deletes the file of one that was killed. Functions return 0 or -errno, unless they say otherwise. */
#ifndef WG_QUICK_TEMPORARY_FILE_H
#define WG_QUICK_TEMPORARY_FILE_H

#include <limits.h>

#include "base/base.h"

struct temporary_file {
	int fd; /* for reading and writing */
	char path[PATH_MAX];
};

/* Creates it, with mode 0600, for a path that a lock protects: one that exists is of a process that was killed. */
must_check int temporary_file_open(struct temporary_file *f, const char *path, const char *ending);
/* The same where no lock protects the path: waits until no other process writes there. -EBUSY: one does so for long. */
must_check int temporary_file_open_alone(struct temporary_file *f, const char *path, const char *ending);

/* Gives it the path, and replaces a file there, or fails if there is one. */
must_check int temporary_file_rename(const struct temporary_file *f, const char *path);
must_check int temporary_file_rename_new(const struct temporary_file *f, const char *path);

void temporary_file_close(struct temporary_file *f);
/* Deletes it, unless it has got the path. */
void temporary_file_discard(struct temporary_file *f);

/* The path leads to the file that was opened. */
bool file_is_at(int fd, const char *path);

#endif
