/* A file without a name is written, synced, and linked to its path. */
#include "key_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/vector.h"
#include "crypto/crypto.h"
#include "fault_injection.h"
#include "fileio.h"
#include "temporary_file.h"

static int random_key(struct wg_private *key)
{
	ssize_t n;

	do
		n = getrandom(key->b, sizeof key->b, 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof key->b)
		return n < 0 ? -errno : -EIO;
	x25519_clamp(key);
	return 0;
}

static int write_key(int fd, const struct wg_private *key)
{
	char line[KEY_BASE64_CHARS + 2];
	ssize_t n;
	int r = 0;

	key_to_base64(line, key->b);
	line[KEY_BASE64_CHARS] = '\n';
	if (fchmod(fd, 0600) < 0) /* whatever the umask is */
		r = -errno;
	n = r < 0 ? 0 : fault_injected("key write") ? -1 : write(fd, line, KEY_BASE64_CHARS + 1);
	if (r == 0 && n != KEY_BASE64_CHARS + 1)
		r = n < 0 ? -errno : -ENOSPC;
	mem_wipe(line, sizeof line);
	if (r == 0 && (fault_injected("key sync") || fsync(fd) < 0))
		r = -errno;
	return r;
}

/* The folder of the path, which the caller frees; null: out of memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return span_dup(slash ? (struct span){ path, slash > path ? (size_t)(slash - path) : 1 } : SPAN("."));
}

static int open_unnamed(const char *path)
{
	char *folder = folder_of(path);
	int fd;

	if (!folder)
		return -ENOMEM;
	fd = fault_injected("key file") ? -1 : open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	fd = fd < 0 ? -errno : fd;
	free(folder);
	return fd;
}

static int link_unnamed(int fd, const char *path)
{
	char self[64];
	struct text t = text_fixed(self, sizeof self);

	text_f(&t, "/proc/self/fd/%d", fd);
	if (fault_injected("key link"))
		return -errno;
	if (linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0 || linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	return -errno;
}

int key_make_named(struct wg_private *key, const char *path)
{
	struct temporary_file f;
	int r = random_key(key);

	if (r == 0)
		r = temporary_file_open_alone(&f, path, ".tmp");
	if (r == 0) {
		r = write_key(f.fd, key);
		if (r == 0)
			r = temporary_file_rename_new(&f, path);
		temporary_file_discard(&f);
	}
	if (r == 0)
		fileio_sync_folder(path);
	else
		mem_wipe(key, sizeof *key);
	return r;
}

int key_make(struct wg_private *key, const char *path)
{
	int r = random_key(key), fd = r < 0 ? r : open_unnamed(path);

	if (fd >= 0) {
		r = write_key(fd, key);
		if (r == 0)
			r = link_unnamed(fd, path);
		close(fd);
	} else if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL) { /* such as FAT and NFS */
		return key_make_named(key, path);
	} else {
		r = fd;
	}
	if (r == 0)
		fileio_sync_folder(path);
	else
		mem_wipe(key, sizeof *key);
	return r;
}
