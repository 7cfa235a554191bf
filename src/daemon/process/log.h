/* Log of the daemon: lines on standard error, in a file or to syslog(3), as LOG_LEVEL requests. They contain no
 * secrets. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "base/text.h"

enum log_level { LOG_SILENT, LOG_ERROR, LOG_VERBOSE };

/* The value of LOG_LEVEL: silent, error, verbose or debug (the same). Null or another word: LOG_ERROR. */
enum log_level log_parse_level(const char *word);
/* interface: put before each message; may be "". */
void log_init(enum log_level level, const char *interface);
/* From now on to the syslog daemon or the journal, which listen at /dev/log; lines are lost while neither does. */
void log_to_syslog(void);
/* From now on to the end of a file, created with mode 0600. 0 or -errno. */
must_check int log_to_file(const char *path);
/* Any thread. A line longer than 511 bytes is cut. */
void log_error(const char *fmt, ...) printf_like(1, 2);
void log_verbose(const char *fmt, ...) printf_like(1, 2);

#endif
