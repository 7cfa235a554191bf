/* Atomic replacement by rename(2) if possible, else in place. */
#include "file_update.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "fault_injection.h"
#include "fileio.h"
#include "temporary_file.h"

/* The result of an attempt to replace the file that would not keep everything. */
enum { MUST_WRITE_IN_PLACE = 1 };

static mode_t mode_for(mode_t now, enum file_privacy privacy)
{
	switch (privacy) {
	case FILE_MODE_KEPT: return now & 07777;
	case FILE_MODE_NOT_OTHERS: return (now & 0007) ? 0600 : now & 07777;
	case FILE_MODE_OWNER: return now & 0600;
	}
	unreachable();
}

static int write_at(int fd, struct span s, off_t at)
{
	while (s.n > 0) {
		ssize_t n = fault_injected("write") ? -1 : pwrite(fd, s.p, s.n, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		s = span_sub(s, (size_t)n, s.n);
		at += n;
	}
	return 0;
}

static int sync_file(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : -errno;
}

/* ---- in place ---- */

/* One system call writes the new text and, where the old one was longer, blank lines over the rest of it: a process that
 * is killed here leaves a valid file. */
static int overwrite(int fd, struct span text, size_t old)
{
	char *padded = malloc(text.n > old ? text.n : old + 1);
	size_t n = text.n > old ? text.n : old;
	int r = padded ? 0 : -ENOMEM;

	if (!padded)
		return r;
	memset(padded, '\n', n);
	if (text.n > 0)
		memcpy(padded, text.p, text.n);
	r = write_at(fd, (struct span){ padded, n }, 0);
	mem_wipe(padded, n);
	free(padded);
	if (r == 0 && text.n < old && ftruncate(fd, (off_t)text.n) < 0)
		r = -errno;
	return r;
}

static int restore(int fd, struct span old)
{
	int r = write_at(fd, old, 0);

	return r == 0 && ftruncate(fd, (off_t)old.n) == 0 ? sync_file(fd) : -EIO;
}

static int write_in_place(const char *path, struct span text, mode_t mode)
{
	struct text old = text_heap();
	int fd, r = fileio_read(path, &old);

	if (r < 0) {
		text_heap_free(&old);
		return r;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fchmod(fd, mode); /* file systems without modes refuse it */
		r = overwrite(fd, text, old.n);
		if (r == 0)
			r = sync_file(fd);
		else
			(void)restore(fd, text_of(&old));
		close(fd);
	} else {
		r = -errno;
	}
	text_heap_free(&old);
	return r;
}

/* ---- replacement ---- */

/* The kernel computes these from the contents. */
static bool is_integrity(const char *name)
{
	return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static bool copy_attribute(int to, int from, const char *name)
{
	char value[XATTR_SIZE_MAX > 65536 ? XATTR_SIZE_MAX : 65536];
	ssize_t n = fgetxattr(from, name, value, sizeof value);

	return n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) == 0;
}

/* ACLs are extended attributes, too; the folder may have given the new file one. */
static bool copy_attributes(int to, const char *path)
{
	char names[XATTR_LIST_MAX];
	int from = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = from < 0 ? -1 : flistxattr(from, names, sizeof names);
	bool ok = n >= 0 || (from >= 0 && errno == EOPNOTSUPP);

	(void)fremovexattr(to, "system.posix_acl_access");
	for (ssize_t i = 0; ok && i < n; i += (ssize_t)strlen(names + i) + 1)
		ok = is_integrity(names + i) || copy_attribute(to, from, names + i);
	if (from >= 0)
		close(from);
	return ok;
}

static int write_new(int fd, struct span text, const char *path, const struct stat *like, mode_t mode)
{
	int r;

	if (fchown(fd, like->st_uid, like->st_gid) < 0 || !copy_attributes(fd, path) || fchmod(fd, mode) < 0)
		return MUST_WRITE_IN_PLACE;
	r = write_at(fd, text, 0);
	return r == 0 ? sync_file(fd) : r;
}

static bool means_in_place(int error)
{
	return error == EBUSY || error == EACCES || error == EPERM || error == EROFS || error == EXDEV ||
	       error == ENOTSUP;
}

static const char ending[] = ".wg-quick"; /* not one that others use */

void file_update_clean(const char *path)
{
	char temporary[PATH_MAX];
	struct text t = text_fixed(temporary, sizeof temporary);

	text_f(&t, "%s%s", path, ending);
	if (!t.failed)
		fileio_remove(temporary);
}

static int replace(const char *path, struct span text, const struct stat *like, mode_t mode)
{
	struct temporary_file f;
	int r = temporary_file_open(&f, path, ending);

	if (r < 0)
		return means_in_place(-r) || r == -ENAMETOOLONG ? MUST_WRITE_IN_PLACE : r;
	r = write_new(f.fd, text, path, like, mode);
	if (r == 0) {
		r = temporary_file_rename(&f, path);
		if (r < 0 && means_in_place(-r))
			r = MUST_WRITE_IN_PLACE;
	}
	temporary_file_discard(&f);
	if (r == 0)
		fileio_sync_folder(path);
	return r;
}

int file_update(const char *path, struct span text, enum file_privacy privacy)
{
	int r = MUST_WRITE_IN_PLACE;
	struct stat st;
	mode_t mode;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	mode = mode_for(st.st_mode, privacy);
	if (st.st_nlink == 1)
		r = replace(path, text, &st, mode);
	return r == MUST_WRITE_IN_PLACE ? write_in_place(path, text, mode) : r;
}
