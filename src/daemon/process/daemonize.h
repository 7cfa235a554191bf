/* Starting in the background: a child that continues while its parent waits for the result of the start,
 * and standard streams. */
#ifndef DAEMON_DAEMONIZE_H
#define DAEMON_DAEMONIZE_H

#include "base/base.h"

/* Opens /dev/null for the standard streams that are closed, before other descriptors get their numbers. */
void daemonize_fill_streams(void);

/* Forks. The parent waits for the child's status, logs an error, and never returns (exit status 0 or 1). The
 * child is in its own session, with no inherited descriptors but the standard streams and `keep` (-1: ignored).
 * Returns the descriptor for its status, or -1 after an error, which is logged. */
must_check int daemonize_fork(const int *keep, size_t n);
/* The child's status: "" is success, other text an error. Closes the descriptor; -1: none, and true. False: the parent has died. */
bool daemonize_report(int status_fd, const char *error);
/* Redirects the standard streams to /dev/null. */
void daemonize_detach_streams(void);

#endif
