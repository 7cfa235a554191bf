/* Small files, read whole and written whole. */
#ifndef WG_QUICK_FILEIO_H
#define WG_QUICK_FILEIO_H

#include <sys/stat.h>

#include "base/vector.h"

/* 0 or -errno; appends to *out. */
must_check int fileio_read(const char *path, struct text *out);

/* Puts a new file in the place of path in one moment: a temporary file beside it, on disk before it
 * is renamed. Owner and mode of `like` when it is not null, else mode. Killed at any moment, path
 * is the old or the new one. 0 or -errno. */
must_check int fileio_replace(const char *path, struct span text, mode_t mode,
			     const struct stat *like);

/* The same for a file that exists, whose owner and mode stay. */
must_check int fileio_update(const char *path, struct span text);

/* The same for files that may be mounted or a link: replaced when that is possible, else written in
 * place. Keeps owner and mode. */
must_check int fileio_rewrite(const char *path, struct span text);

/* Appends to an existing file. 0 or -errno. */
int fileio_append(const char *path, struct span text);
bool fileio_exists(const char *path);
void fileio_remove(const char *path);

/* One number of /proc/sys; -1: cannot be read. */
int fileio_read_number(const char *path);
must_check int fileio_write_number(const char *path, int number);

#endif
