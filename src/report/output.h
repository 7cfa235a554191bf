/* Writing to standard output and standard error without stdio. */
#ifndef WG_REPORT_OUTPUT_H
#define WG_REPORT_OUTPUT_H

#include "base/span.h"

/* Writes all n bytes; waits while a non-blocking descriptor is full. 0 or -errno. */
int report_write(int fd, const char *p, size_t n);

#endif
