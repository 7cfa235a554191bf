/* Temporary files. */
#include "temporary_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "fault_injection.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

enum { TRIES = 100, WAIT_MS = 5000, POLL_MS = 20 };

bool file_is_at(int fd, const char *path)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && lstat(path, &now) == 0 && held.st_ino == now.st_ino && held.st_dev == now.st_dev;
}

static int print_path(struct temporary_file *f, const char *path, const char *ending)
{
	struct text t = text_fixed(f->path, sizeof f->path);

	f->fd = -1;
	text_f(&t, "%s%s", path, ending);
	return t.failed ? -ENAMETOOLONG : fault_injected("create") ? -ENOSPC : 0;
}

static int create(struct temporary_file *f)
{
	f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return f->fd < 0 ? -errno : 0;
}

int temporary_file_open(struct temporary_file *f, const char *path, const char *ending)
{
	int r = print_path(f, path, ending);

	if (r < 0)
		return r;
	(void)unlink(f->path);
	return create(f);
}

/* ---- without a lock of the path ---- */

static int lock(int fd)
{
	struct timespec pause = { .tv_nsec = POLL_MS * (long)NS_PER_MS };

	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += POLL_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited_ms >= WAIT_MS)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Waits for the process that holds the lock of the file; what it has left is deleted. A process that has created the file and
 * has not locked it yet notices that it is gone. */
static int wait_for_other(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r = 0;

	if (fd < 0 && errno == ELOOP)
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = lock(fd);
	if (r == 0 && file_is_at(fd, path))
		(void)unlink(path);
	close(fd);
	return r;
}

int temporary_file_open_alone(struct temporary_file *f, const char *path, const char *ending)
{
	int r = print_path(f, path, ending);

	for (int tries = 0; r == 0 && tries < TRIES; tries++) {
		r = create(f);
		if (r == 0)
			r = lock(f->fd);
		if (r == 0 && file_is_at(f->fd, f->path))
			return 0;
		temporary_file_close(f);
		if (r == -EEXIST)
			r = wait_for_other(f->path);
	}
	return r < 0 ? r : -EBUSY;
}

/* ---- its path ---- */

int temporary_file_rename(const struct temporary_file *f, const char *path)
{
	if (fault_injected("rename") || rename(f->path, path) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

/* FAT has no hard links; NFS and old kernels have no renaming without replacement. */
int temporary_file_rename_new(const struct temporary_file *f, const char *path)
{
	if (fault_injected("rename"))
		return -EIO;
	if (syscall(SYS_renameat2, AT_FDCWD, f->path, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return link(f->path, path) < 0 ? -errno : 0;
}

void temporary_file_close(struct temporary_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void temporary_file_discard(struct temporary_file *f)
{
	if (f->fd >= 0 && file_is_at(f->fd, f->path) && unlink(f->path) < 0)
		(void)unlink(f->path); /* the failure may be that of a moment */
	temporary_file_close(f);
}
