/* Enters and leaves the network namespace of a tunnel. */
#include "netns_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns_file.h"

static void print_path(char path[], size_t n, const char *name)
{
	struct text t = text_fixed(path, n);

	text_f(&t, "/run/netns/%s", name);
}

static int open_namespace(const char *name)
{
	char path[32 + NETNS_NAME_MAX];
	int fd;

	print_path(path, sizeof path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* A killed process may have left a file without a namespace. */
bool netns_exists(const char *name)
{
	int fd = open_namespace(name);
	struct stat st, own;
	bool yes = fd >= 0 && fstat(fd, &st) == 0 && stat("/proc/self/ns/net", &own) == 0 && st.st_dev == own.st_dev;

	if (fd >= 0)
		close(fd);
	return yes;
}

struct rtnetlink *netns_outer(struct host *host)
{
	return netns_is_inside() ? &host->outer : &host->rtnetlink;
}

static int enter(struct host *host, const char *name, int own, int fd)
{
	struct rtnetlink inside;
	int r = netns_inside_begin(own, fd);

	if (r < 0) {
		close(own);
		close(fd);
		return r;
	}
	r = rtnetlink_open(&inside);
	if (r < 0) {
		rtnetlink_close(&inside);
		netns_inside_end();
		return r;
	}
	host->outer = host->rtnetlink;
	host->rtnetlink = inside;
	ipc_close(&host->ipc);
	dns_file_set_netns(name);
	return 0;
}

int netns_enter(struct host *host, const char *name)
{
	int fd, own;

	if (netns_is_inside())
		return 0;
	fd = open_namespace(name);
	if (fd < 0)
		return fd;
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0) {
		own = -errno;
		close(fd);
		return own;
	}
	return enter(host, name, own, fd);
}

void netns_leave(struct host *host)
{
	if (!netns_is_inside())
		return;
	netns_inside_end();
	rtnetlink_close(&host->rtnetlink);
	host->rtnetlink = host->outer;
	host->outer = (struct rtnetlink){ 0 };
	ipc_close(&host->ipc);
	dns_file_set_netns("");
}
