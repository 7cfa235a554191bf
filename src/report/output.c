/* write(2) until all is written. */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int report_write(int fd, const char *p, size_t n)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };

	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) { /* another process that shares it set O_NONBLOCK */
			(void)poll(&writable, 1, -1);
			continue;
		}
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}
