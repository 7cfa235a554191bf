/* Descriptors in messages of a UNIX socket (SCM_RIGHTS, unix(7)), and memory that two processes share. */
#ifndef DAEMON_FD_PASSING_H
#define DAEMON_FD_PASSING_H

#include "base/base.h"

enum { FD_PASSING_MAX = 64 }; /* descriptors of one message; the kernel takes 253 */

/* Sends the bytes and the descriptors, as a whole. 0 or -errno. */
must_check int fd_send(int socket, const void *bytes, size_t n, const int *fds, unsigned int n_fds);
/* Waits for exactly n bytes, with at most FD_PASSING_MAX descriptors, which come with the first byte. 0; -ETIMEDOUT,
 * -ECONNRESET: the other end is closed; or -errno; and then no descriptor is open. */
must_check int fd_receive(int socket, unsigned int timeout_ms, void *bytes, size_t n, int fds[FD_PASSING_MAX],
			  unsigned int *n_fds);

/* Zeroed memory of a fixed size, all of it allocated, without a name. The caller closes *fd and wipes *p. 0 or -errno. */
must_check int shared_memory_create(int *fd, void **p, size_t n);
/* The same memory in the other process. -EINVAL: its size may change, so that reading it could end the process; -EFBIG:
 * larger than max. */
must_check int shared_memory_map(void **p, size_t *n, int fd, size_t max);
/* Wipes and unmaps it. */
void shared_memory_wipe(void *p, size_t n);

#endif
