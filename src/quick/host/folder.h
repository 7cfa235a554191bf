/* The folder of the journals: its files by name. */
#ifndef WG_QUICK_FOLDER_H
#define WG_QUICK_FOLDER_H

#include "base/vector.h"

/* The names in a folder, unsorted; none when it does not exist. 0 or -errno. */
must_check int folder_list(struct string_list *out, const char *path);
/* The path, from the root; null: out of memory, or the current folder is not known. The caller frees it. */
must_check char *folder_absolute_path(const char *path);
/* Removes the folder if it is empty. */
void folder_remove(const char *path);

#endif
