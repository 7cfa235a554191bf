/* Reads and writes whole files. All functions return 0 or -errno, unless they say otherwise. */
#ifndef WG_QUICK_FILEIO_H
#define WG_QUICK_FILEIO_H

#include "base/vector.h"

/* Appends the contents to *out: of a regular file with at most 256 MiB, else -EINVAL or -EFBIG. /dev/null is empty. Does not
 * wait, not even for the other end of a FIFO. */
must_check int fileio_read(const char *path, struct text *out);

/* The same with at most 8 MiB, for files of settings. */
must_check int fileio_read_settings(const char *path, struct text *out);

/* Describes an error of a function of this file. */
const char *fileio_reason(int r);

/* Replaces the file atomically: writes PATH.tmp, syncs it and renames it, so that after a crash the path has either the
 * old or the new contents. Only its owner can read the new file. */
must_check int fileio_replace(const char *path, struct span text);

/* The same with a file that all users can read. */
must_check int fileio_replace_public(const char *path, struct span text);

/* Writes the folder of a file to disk after a rename. */
void fileio_sync_folder(const char *path);

/* Replaces a file, which may be a bind mount or a symbolic link: atomically where that is possible, else in place.
 * Keeps its owner and mode; all users can read a new file. -EINVAL: not a regular file. */
must_check int fileio_rewrite(const char *path, struct span text);

/* Appends to an existing file. */
int fileio_append(const char *path, struct span text);
/* True as well when it is not known. */
bool fileio_exists(const char *path);
/* When the contents were last changed, in Unix time; 0: not known. */
uint64_t fileio_changed_s(const char *path);
/* A file that does not exist is no error. */
int fileio_remove(const char *path);
/* Deletes what a process that was killed left next to the file that it replaced. */
void fileio_remove_temporary(const char *path);

#endif
