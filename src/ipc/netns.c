/* The network namespace of this process, and the names of ip-netns(8), which are mount points in /run/netns. */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

static const char self[] = "/proc/self/ns/net", folder[] = RUNSTATEDIR "/netns";
enum { PATH_BYTES = sizeof folder + 256 };

bool netns_read(struct netns *out)
{
	socklen_t n = sizeof out->cookie;
	struct stat st;
	int fd, r;

	*out = (struct netns){ 0 };
	fd = stat(self, &st) < 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	out->inode = st.st_ino;
	r = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &out->cookie, &n) == 0 ? 0 : -errno;
	close(fd);
	return r == 0 || r == -ENOPROTOOPT || r == -EOPNOTSUPP;
}

/* 0, or -errno. */
static int stat_name(struct stat *st, const char *name)
{
	char path[PATH_BYTES];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "%s/%s", folder, name);
	return t.failed ? -ENAMETOOLONG : stat(path, st) == 0 ? 0 : -errno;
}

bool netns_name(char *out, size_t cap)
{
	struct text t = text_fixed(out, cap);
	const struct dirent *entry = NULL;
	struct stat own, st;
	bool found = false;
	DIR *d;

	if (stat(self, &own) < 0 || !(d = opendir(folder)))
		return false;
	while (!found && (entry = readdir(d)))
		found = stat_name(&st, entry->d_name) == 0 && st.st_ino == own.st_ino && st.st_dev == own.st_dev;
	if (found)
		text_add(&t, entry->d_name);
	closedir(d);
	return found && !t.failed;
}

/* A file of another file system is the mount point, in a mount namespace that does not see what is mounted there. */
bool netns_name_is_stale(const char *name, uint64_t inode)
{
	struct stat own, st;
	int r = stat_name(&st, name);

	if (r < 0)
		return r == -ENOENT;
	return stat(self, &own) == 0 && st.st_dev == own.st_dev && st.st_ino != inode;
}
