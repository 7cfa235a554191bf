/* Writing to standard output and standard error without stdio. */
#ifndef WG_REPORT_OUTPUT_H
#define WG_REPORT_OUTPUT_H

#include "base/span.h"

/* Writes all n bytes; waits while a non-blocking descriptor is full. 0 or -errno. */
int report_write(int fd, const char *p, size_t n);

/* Replaces a file atomically, so that its readers never see a part of it. The new file can be read by all users. A symbolic
 * link stays, and the file that it leads to is replaced. 0, -EINVAL if the path exists and is no regular file, or -errno. */
must_check int report_replace_file(const char *path, struct span text);

#endif
