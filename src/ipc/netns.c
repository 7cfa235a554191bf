/* The network namespace of this process, and the names of ip-netns(8), which are mount points in /run/netns. */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

static const char self[] = "/proc/self/ns/net", folder[] = RUNSTATEDIR "/netns";
enum { PATH_BYTES = sizeof folder + 256 };

static int read_inode(uint64_t *inode)
{
	struct stat st = { 0 };
	int r = stat(self, &st) < 0 && errno != ENOENT ? -errno : 0;

	*inode = st.st_ino;
	return r;
}

/* By a netlink socket: a sandboxed unit may allow no other family. */
static int read_cookie(uint64_t *cookie)
{
	socklen_t n = sizeof *cookie;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), r;

	if (fd < 0)
		return -errno;
	r = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &n) < 0 ? -errno : 0;
	close(fd);
	return r == -ENOPROTOOPT || r == -EOPNOTSUPP ? 0 : r;
}

int netns_read(struct netns *out)
{
	int r;

	*out = (struct netns){ 0 };
	r = read_inode(&out->inode);
	return r < 0 ? r : read_cookie(&out->cookie);
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
