/* Reads and writes whole files. */
#include "fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fault_injection.h"
#include "temporary_file.h"

enum { BYTES_MAX = 256 << 20, SETTINGS_BYTES_MAX = 8 << 20 };

/* *is_null: /dev/null, to which a file that is to be empty is a link. */
static int check_type(int fd, bool *is_null)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*is_null = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
	return S_ISREG(st.st_mode) || *is_null ? 0 : -EINVAL;
}

/* The size of a file in /proc is 0, and that of another one may grow. */
static int read_all(int fd, struct text *out, size_t max)
{
	char piece[16384];
	size_t sum = 0;
	ssize_t n = 1;
	int r = 0;

	while (r == 0 && n != 0) {
		n = read(fd, piece, sizeof piece);
		if (n < 0 && errno != EINTR)
			r = -errno;
		sum += n > 0 ? (size_t)n : 0;
		if (sum > max)
			r = -EFBIG;
		else if (n > 0)
			text_span(out, (struct span){ piece, (size_t)n });
	}
	explicit_bzero(piece, sizeof piece);
	return r < 0 ? r : out->failed ? -ENOMEM : 0;
}

/* Opening a FIFO does not wait for a process that writes to it. */
static int read_file(const char *path, struct text *out, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
	bool is_null = false;

	if (fd < 0)
		return errno == ENXIO ? -EINVAL : -errno; /* of a socket */
	r = check_type(fd, &is_null);
	if (r == 0 && !is_null)
		r = read_all(fd, out, max);
	close(fd);
	return r;
}

int fileio_read(const char *path, struct text *out)
{
	return read_file(path, out, BYTES_MAX);
}

int fileio_read_settings(const char *path, struct text *out)
{
	return read_file(path, out, SETTINGS_BYTES_MAX);
}

const char *fileio_reason(int r)
{
	return r == -EINVAL ? "it is not a regular file" : strerror(-r);
}

static int write_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		s = span_sub(s, (size_t)n, s.n);
	}
	return 0;
}

static int write_new(int fd, struct span text, const struct stat *like)
{
	int r;

	if (like && fchown(fd, like->st_uid, like->st_gid) < 0)
		return -errno;
	if (fchmod(fd, like ? like->st_mode & 07777 : 0600) < 0)
		return -errno;
	r = fault_injected("write") ? -ENOSPC : write_all(fd, text);
	if (r == 0 && fsync(fd) < 0 && errno != EINVAL)
		r = -errno;
	return r;
}

void fileio_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir =
		slash ? span_dup((struct span){ path, slash > path ? (size_t)(slash - path) : 1 })
		      : NULL;
	int fd = open(dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(dir);
}

/* With the owner and mode of `like`, unless that is null. */
static int replace(const char *path, struct span text, const struct stat *like)
{
	struct temporary_file f;
	int r = temporary_file_open(&f, path, ".tmp");

	if (r < 0)
		return r;
	r = write_new(f.fd, text, like);
	if (r == 0)
		r = temporary_file_rename(&f, path);
	temporary_file_discard(&f);
	if (r == 0)
		fileio_sync_folder(path);
	return r;
}

int fileio_replace(const char *path, struct span text)
{
	return replace(path, text, NULL);
}

int fileio_replace_public(const char *path, struct span text)
{
	struct stat st = { .st_mode = 0644, .st_uid = geteuid(), .st_gid = getegid() };

	return replace(path, text, &st);
}

/* Opening a FIFO does not wait for a process that reads it. */
static int open_to_write(const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	struct stat st;

	if (fd < 0) {
		if (errno == ENXIO)
			errno = EINVAL; /* of a FIFO or a socket */
		return fd;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static int open_in_place(const char *path)
{
	int fd = open_to_write(path, 0);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		(void)fchmod(fd, 0644); /* whatever the umask is */
	return fd;
}

static int write_in_place(const char *path, struct span text)
{
	int fd = open_in_place(path), r;

	if (fd < 0)
		return -errno;
	r = fault_injected("write") ? -ENOSPC : write_all(fd, text);
	if (r == 0 && ftruncate(fd, (off_t)text.n) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0 && errno != EINVAL)
		r = -errno;
	close(fd);
	return r;
}

int fileio_rewrite(const char *path, struct span text)
{
	struct stat st = { .st_size = 0 };
	bool exists = lstat(path, &st) == 0;
	int r;

	if (exists ? !S_ISREG(st.st_mode) : errno != ENOENT)
		return write_in_place(path, text);
	r = exists ? replace(path, text, &st) : fileio_replace_public(path, text);
	if (r == -EBUSY || r == -EACCES || r == -EROFS || r == -EPERM || r == -EXDEV)
		return write_in_place(path, text);
	if ((r == -ENOSPC || r == -EDQUOT) && text.n <= (uint64_t)st.st_size)
		return write_in_place(path, text); /* in the space that the file has */
	return r;
}

int fileio_append(const char *path, struct span text)
{
	int fd = open_to_write(path, O_APPEND), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, text);
	close(fd);
	return r;
}

bool fileio_exists(const char *path)
{
	return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Tries twice: a failure may be that of a moment. */
int fileio_remove(const char *path)
{
	int r = -EINTR;

	for (int tries = 0; tries < 2 && r < 0; tries++)
		r = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
	return r;
}

void fileio_remove_temporary(const char *path)
{
	char temporary[PATH_MAX];
	struct text t = text_fixed(temporary, sizeof temporary);

	text_f(&t, "%s.tmp", path);
	if (!t.failed)
		fileio_remove(temporary);
}

uint64_t fileio_changed_s(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtim.tv_sec > 0 ? (uint64_t)st.st_mtim.tv_sec : 0;
}
