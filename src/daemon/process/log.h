/* What the daemon says: lines on stderr, by LOG_LEVEL (silent, error, debug = verbose). No secrets. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include "base/text.h"

enum log_level { LOG_SILENT, LOG_ERROR, LOG_VERBOSE };

/* From LOG_LEVEL's value; null or an unknown word: errors only. */
enum log_level log_level_of(const char *word);
void log_start(enum log_level level, const char *interface);
void log_error(const char *fmt, ...) printf_like(1, 2);
void log_verbose(const char *fmt, ...) printf_like(1, 2);

#endif
