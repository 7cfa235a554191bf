/* write(2) until all is written. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

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

/* The path without symbolic links if it exists. 0 or -errno. */
static int resolve_links(char target[PATH_MAX], const char *path)
{
	struct text t = text_fixed(target, PATH_MAX);
	struct stat st;

	if (stat(path, &st) < 0) {
		text_add(&t, path);
		return errno != ENOENT ? -errno : t.failed ? -ENAMETOOLONG : 0;
	}
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return realpath(path, target) ? 0 : -errno;
}

/* Its name has another ending than the file, so that programs that read all files of a kind do not read it. */
static int create_temporary(char temporary[PATH_MAX], const char *target)
{
	struct text t = text_fixed(temporary, PATH_MAX);
	int fd;

	text_f(&t, "%s.XXXXXX", target);
	if (t.failed)
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int report_replace_file(const char *path, struct span text)
{
	char target[PATH_MAX], temporary[PATH_MAX];
	int rc = resolve_links(target, path), fd;

	if (rc)
		return rc;
	fd = create_temporary(temporary, target);
	if (fd < 0)
		return fd;
	rc = report_write(fd, text.p, text.n);
	if (rc == 0 && fchmod(fd, 0644) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temporary, target) < 0)
		rc = -errno;
	if (rc)
		(void)unlink(temporary);
	return rc;
}
