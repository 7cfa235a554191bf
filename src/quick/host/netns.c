/* The network namespace of this process. */
#include "netns.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

static bool is_known;
static uint64_t id;

static int read_cookie(uint64_t *cookie)
{
	socklen_t n = sizeof *cookie;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &n) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int read_inode(uint64_t *inode)
{
	struct stat st = { 0 };
	int r = stat("/proc/self/ns/net", &st) < 0 && errno != ENOENT ? -errno : 0;

	*inode = st.st_ino;
	return r;
}

int netns_identify(void)
{
	int r = is_known ? 0 : read_cookie(&id);

	if (r == -ENOPROTOOPT || r == -EOPNOTSUPP)
		r = read_inode(&id);
	is_known = r == 0;
	return r;
}

uint64_t netns_id(void)
{
	if (netns_identify() < 0)
		unreachable(); /* another identifier would be a second name for the same journal */
	return id;
}
