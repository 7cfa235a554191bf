/* Reads and writes whole files. All functions return 0 or -errno, unless they say otherwise. */
#ifndef WG_QUICK_FILEIO_H
#define WG_QUICK_FILEIO_H

#include <sys/stat.h>

#include "base/vector.h"

/* Appends the contents to *out. */
must_check int fileio_read(const char *path, struct text *out);

/* Replaces the file atomically: writes PATH.tmp, syncs it and renames it, so that after a crash the path has either the
 * old or the new contents. The new file has the owner and mode of `like`, or `mode` where `like` is null. */
must_check int fileio_replace(const char *path, struct span text, mode_t mode,
			     const struct stat *like);

/* Replaces a file that exists, keeping its owner and mode. */
must_check int fileio_update(const char *path, struct span text);

/* Replaces a file, which may be a bind mount or a symbolic link: atomically where that is possible, else in place.
 * Keeps its owner and mode. */
must_check int fileio_rewrite(const char *path, struct span text);

/* Appends to an existing file. */
int fileio_append(const char *path, struct span text);
bool fileio_exists(const char *path);
void fileio_remove(const char *path);

/* A number in /proc/sys; -1: not readable. */
int fileio_read_number(const char *path);
must_check int fileio_write_number(const char *path, int number);

#endif
