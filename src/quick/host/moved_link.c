/* Enters one network namespace after the other. */
#include "moved_link.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vector.h"
#include "daemon.h"
#include "rtnetlink.h"

static const char named_folder[] = "/run/netns";

struct search {
	const struct moved_link *link;
	bool find_only;
	struct text *trace;
	int own_netns;         /* descriptor, to return to */
	ino_t *visited;        /* owned */
	size_t n_visited, cap_visited;
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

/* The sockets of all namespaces are in one directory. An interface that is here was not moved. */
static void search_sockets(struct search *s, struct ipc *ipc)
{
	struct ipc_names names;

	if (ipc_list(ipc, &names) < 0)
		return;
	for (size_t i = 0; s->result == 0 && i < names.n; i++) {
		struct wg_device d;
		if (names.list[i].backend != IPC_SOCKET || if_nametoindex(names.list[i].name) != 0 || ipc_get_listed(ipc, &d, &names.list[i]) < 0)
			continue;
		if (is_it(s, &d))
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
			s->result = delete_here(s, &names.list[i], netns);
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
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && visit(s, st.st_ino) && setns(fd, CLONE_NEWNET) == 0) {
		search_here(s, name);
		if (setns(s->own_netns, CLONE_NEWNET) < 0)
			unreachable(); /* it is this process's own */
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
	return s->result;
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
