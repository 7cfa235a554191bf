/* Replaces the contents of a file that others may own, mount or link to, and that may hold secrets. */
#ifndef WG_QUICK_FILE_UPDATE_H
#define WG_QUICK_FILE_UPDATE_H

#include "base/span.h"

/* The effect on the mode. */
enum file_privacy {
	FILE_MODE_KEPT,
	FILE_MODE_NOT_OTHERS, /* if others have any access: 0600 */
	FILE_MODE_OWNER,      /* 0600, or less if the owner has less */
};

/* Keeps owner, extended attributes, ACLs and hard links, and the mode according to `privacy`. The file is replaced
 * atomically where that keeps them all; otherwise, as for a bind mount, it is written in place, and a write that fails is
 * undone. 0 or -errno. */
must_check int file_update(const char *path, struct span text, enum file_privacy privacy);
/* Deletes what a killed process left next to the file. */
void file_update_clean(const char *path);

#endif
