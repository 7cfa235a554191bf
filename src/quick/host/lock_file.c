/* Lock files. */
#include "lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signals.h"

static int lock_descriptor(int fd, bool wait)
{
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR || stop_signal)
			return -errno;
	return 0;
}

/* The holder deletes the file, so the one that was opened may be gone by the time it is locked. */
static bool is_still_at(const char *path, int fd)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && stat(path, &now) == 0 && held.st_ino == now.st_ino &&
	       held.st_dev == now.st_dev;
}

int lock_file_acquire(const char *folder, const char *path, bool wait)
{
	for (;;) {
		int fd, r;
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno == ENOENT)
			continue; /* another process just removed the folder */
		if (fd < 0)
			return -errno;
		r = lock_descriptor(fd, wait);
		if (r == 0 && is_still_at(path, fd))
			return fd;
		close(fd);
		if (r < 0)
			return r;
	}
}

void lock_file_release(const char *path, int fd)
{
	(void)unlink(path);
	close(fd);
}

void lock_file_sweep(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlink(path);
	close(fd);
}
