/* Whether a tunnel file has changed. */
#ifndef WG_QUICK_FILE_STAMP_H
#define WG_QUICK_FILE_STAMP_H

#include "base/base.h"

/* Another number when the file or one of its drop-ins is another one or has new contents; 0: it does not exist. */
uint64_t file_stamp(const char *path);

/* True if the path leads to a folder. */
bool file_is_folder(const char *path);

#endif
