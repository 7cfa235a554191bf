/* Enters one network namespace after the other. */
#include "moved_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vector.h"
#include "daemon.h"
#include "endpoint_route.h"
#include "rtnetlink.h"

static const char named_folder[] = "/run/netns";

struct search {
	const struct moved_link *link;
	bool find_only;
	struct text *trace;
	int own_netns;         /* descriptor, to return to */
	int netns;             /* the one that was entered */
	ino_t *visited;        /* owned */
	size_t n_visited, cap_visited;
	bool is_down;          /* one that may be it */
	int result;
};

static bool is_other(const struct moved_link *link, const char *name)
{
	for (size_t i = 0; i < link->others->n; i++)
		if (strcmp(link->others->list[i], name) == 0)
			return true;
	return false;
}

static bool is_it(const struct search *s, const struct wg_device *d)
{
	const struct wg_public *key = s->link->key;

	if (!key || is_other(s->link, d->name))
		return !key && strcmp(d->name, s->link->name) == 0;
	return (d->flags & WG_DEVICE_HAS_PUBLIC_KEY) && memcmp(d->public_key.b, key->b, sizeof key->b) == 0;
}

/* The UDP socket of a kernel interface stays where the interface was created: one that is up and has none here is that of a
 * container with the same tunnel file. */
static bool is_from_elsewhere(const struct wg_device *d, bool is_up)
{
	return is_up && !udp_port_is_taken(IP_V4, d->listen_port);
}

/* ---- userspace interfaces ---- */

static int delete_daemon(struct search *s, const char *name)
{
	int r;

	if (s->find_only)
		return 1;
	if (!s->link->key)
		return -ENOKEY;
	text_f(s->trace, "[#] rm %s/wireguard/%s.sock\n", RUNSTATEDIR, name);
	r = daemon_end(name);
	return r < 0 ? r : 1;
}

/* The sockets of all namespaces are in one directory. An interface that is here was not moved, and the daemon of one that was
 * is still here. */
static void search_sockets(struct search *s, struct ipc *ipc)
{
	struct ipc_names names;

	if (ipc_list(ipc, &names) < 0)
		return;
	for (size_t i = 0; s->result == 0 && i < names.n; i++) {
		struct wg_device d;
		if (names.list[i].backend != IPC_SOCKET || if_nametoindex(names.list[i].name) != 0 || ipc_get_listed(ipc, &d, &names.list[i]) < 0)
			continue;
		if (is_it(s, &d) && !daemon_is_elsewhere(names.list[i].name))
			s->result = delete_daemon(s, names.list[i].name);
		device_free(&d);
	}
	ipc_names_free(&names);
}

/* ---- kernel interfaces ---- */

static int delete_here(struct search *s, const struct ipc_name *found, const char *netns)
{
	struct rtnetlink rt;
	char why[128];
	int r;

	if (s->find_only)
		return 1;
	r = s->link->key ? rtnetlink_open(&rt) : -ENOKEY;
	if (r < 0)
		return r;
	text_f(s->trace, "[#] ip -n %s link delete dev %s\n", netns, found->name);
	r = rtnetlink_send(&rt, rtnetlink_build_link_delete(found->ifindex), why);
	rtnetlink_close(&rt);
	return r < 0 && r != -ENODEV ? r : 1;
}

static bool is_up_here(const struct ipc_name *found)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	memcpy(request.ifr_name, found->name, sizeof request.ifr_name);
	up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

static void enter(int netns)
{
	if (setns(netns, CLONE_NEWNET) < 0)
		unreachable(); /* this process was in it before */
}

/* While the interface is down nothing tells where it was created. */
static int delete_if_moved(struct search *s, const struct wg_device *d, const struct ipc_name *found, const char *netns)
{
	bool is_up = is_up_here(found), other;

	enter(s->own_netns);
	other = is_from_elsewhere(d, is_up);
	enter(s->netns);
	if (other)
		return 0;
	if (is_up || s->find_only || !s->link->key)
		return delete_here(s, found, netns);
	s->is_down = true;
	return 0;
}

/* In the namespace that was entered. */
static void search_here(struct search *s, const char *netns)
{
	struct ipc ipc = { 0 };
	struct ipc_names names;

	if (ipc_list(&ipc, &names) < 0) {
		ipc_close(&ipc);
		return;
	}
	for (size_t i = 0; s->result == 0 && i < names.n; i++) {
		struct wg_device d;
		if (names.list[i].backend != IPC_KERNEL || ipc_get_listed(&ipc, &d, &names.list[i]) < 0)
			continue;
		if (is_it(s, &d))
			s->result = delete_if_moved(s, &d, &names.list[i], netns);
		device_free(&d);
	}
	ipc_names_free(&names);
	ipc_close(&ipc);
}

static bool visit(struct search *s, ino_t inode)
{
	for (size_t i = 0; i < s->n_visited; i++)
		if (s->visited[i] == inode)
			return false;
	if (!vector_reserve(&s->visited, &s->cap_visited, s->n_visited + 1, sizeof *s->visited))
		return false;
	s->visited[s->n_visited++] = inode;
	return true;
}

static void search_namespace(struct search *s, const char *path, const char *name)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && visit(s, st.st_ino) && setns(fd, CLONE_NEWNET) == 0) {
		s->netns = fd;
		search_here(s, name);
		enter(s->own_netns);
	}
	close(fd);
}

/* Every entry of the folder is a namespace, or with a suffix every process. */
static void search_folder(struct search *s, const char *folder, const char *suffix)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;

	while (d && s->result == 0 && (entry = readdir(d))) {
		char path[PATH_MAX];
		struct text t = text_fixed(path, sizeof path);
		if (entry->d_name[0] == '.' || (suffix[0] && !ascii_is_digit(entry->d_name[0])))
			continue;
		text_f(&t, "%s/%s%s", folder, entry->d_name, suffix);
		if (!t.failed)
			search_namespace(s, path, suffix[0] ? path : entry->d_name);
	}
	if (d)
		closedir(d);
}

static int search(struct search *s, struct ipc *ipc)
{
	struct stat st;

	search_sockets(s, ipc);
	if (s->result != 0)
		return s->result;
	s->own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->own_netns < 0)
		return -errno;
	if (fstat(s->own_netns, &st) < 0 || !visit(s, st.st_ino))
		s->result = -ENOMEM;
	else if (setns(s->own_netns, CLONE_NEWNET) < 0)
		s->result = -errno;
	if (s->result == 0)
		search_folder(s, named_folder, "");
	if (s->result == 0)
		search_folder(s, "/proc", "/ns/net");
	free(s->visited);
	close(s->own_netns);
	return s->result == 0 && s->is_down ? -ENETDOWN : s->result;
}

int moved_link_delete(struct ipc *ipc, const struct moved_link *link, struct text *trace)
{
	struct search s = { .link = link, .trace = trace };

	return search(&s, ipc);
}

int moved_link_find(struct ipc *ipc, const struct moved_link *link)
{
	struct search s = { .link = link, .find_only = true };

	return search(&s, ipc);
}
