/* Creates and deletes network namespaces. A file in the folder of the journals lists those that wg-quick created. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/netns.h"

#include "fault_injection.h"
#include "fileio.h"
#include "netns_place.h"

static const char folder[] = "/run/netns", own_path[] = "/proc/self/ns/net";

enum { PATH_BYTES = 64 + NETNS_NAME_MAX };

static void print_path(char path[PATH_BYTES], const char *name)
{
	struct text t = text_fixed(path, PATH_BYTES);

	text_f(&t, "%s/%s", folder, name);
}

/* ---- the file that tells that wg-quick made it ---- */

/* A later namespace may have the inode again, but not at the same time, nor the cookie. */
struct identity {
	uint64_t inode, cookie; /* cookie: 0 before Linux 5.14 */
	uint64_t changed_ns;
};

static void print_marker(char path[PATH_BYTES], const char *name)
{
	struct text t = text_fixed(path, PATH_BYTES);

	text_f(&t, RUNSTATEDIR "/wgsuite/netns-%s", name);
}

static int write_marker(const char *name, const struct identity *id)
{
	char path[PATH_BYTES], numbers[80];
	struct text t = text_fixed(numbers, sizeof numbers);

	print_marker(path, name);
	if (id)
		text_f(&t, "%llu %llu %llu\n", (unsigned long long)id->inode, (unsigned long long)id->cookie,
		       (unsigned long long)id->changed_ns);
	return fileio_replace(path, text_of(&t));
}

/* Tries twice: a failure may be that of a moment. Without the folder of the journals, the namespace stays. */
static void note(const char *name, const struct identity *id)
{
	if (write_marker(name, id) < 0)
		(void)!write_marker(name, id);
}

/* -ENOENT: not ours. The file is empty if a process was killed before the namespace was at its path. */
static int read_marker(struct identity *id, const char *name)
{
	uint64_t *const numbers[] = { &id->inode, &id->cookie, &id->changed_ns };
	char path[PATH_BYTES];
	struct text t = text_heap();
	struct span rest, word;
	int r;

	print_marker(path, name);
	r = fileio_read(path, &t);
	rest = span_trim(text_of(&t));
	*id = (struct identity){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(numbers) && span_next(&word, &rest, ' '); i++)
		if (!span_to_u64(numbers[i], word, UINT64_MAX))
			break;
	text_heap_free(&t);
	return r;
}

static void remove_marker(const char *name)
{
	char path[PATH_BYTES];

	print_marker(path, name);
	(void)!fileio_remove(path);
	fileio_remove_temporary(path);
}

static int identify_file(struct identity *id, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	id->inode = st.st_ino;
	id->changed_ns = (uint64_t)st.st_ctim.tv_sec * NS_PER_S + (uint64_t)st.st_ctim.tv_nsec;
	return 0;
}

/* Of the namespace that this process is in; fd: its file. */
static int identify(struct identity *id, int fd)
{
	struct netns netns;
	int r = netns_read(&netns);

	*id = (struct identity){ .cookie = netns.cookie };
	return r < 0 ? r : identify_file(id, fd);
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	if (a->cookie && b->cookie)
		return a->cookie == b->cookie;
	return a->inode && a->inode == b->inode && a->changed_ns == b->changed_ns;
}

/* ---- creating ---- */

/* Mounts in the folder are then seen in the mount namespaces that "ip netns exec" makes. */
static int share_folder(void)
{
	bool bound = false;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	while (mount("", folder, "none", MS_SHARED | MS_REC, NULL) < 0) {
		if (errno != EINVAL || bound || mount(folder, folder, "none", MS_BIND | MS_REC, NULL) < 0)
			return -errno;
		bound = true;
	}
	return 0;
}

static int bring_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* In the new namespace. From before it is at its path, the marker tells that it is ours. */
static int settle(const char *name, const char *path)
{
	int fd = open(own_path, O_RDONLY | O_CLOEXEC), r;
	struct identity id;

	if (fd < 0)
		return -errno;
	r = identify(&id, fd);
	if (r == 0)
		r = bring_loopback_up();
	if (r == 0)
		note(name, &id);
	if (r == 0 && mount(own_path, path, "none", MS_BIND, NULL) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* This process returns to its namespace, which it enters first: where that is not allowed, there would be no way back. */
static int make(const char *name, const char *path)
{
	int own = open(own_path, O_RDONLY | O_CLOEXEC), r;

	if (own < 0)
		return -errno;
	if (setns(own, CLONE_NEWNET) < 0 || unshare(CLONE_NEWNET) < 0) {
		r = -errno;
		close(own);
		return r;
	}
	r = settle(name, path);
	netns_return(own);
	close(own);
	return r;
}

static int delete(const char *name)
{
	char path[PATH_BYTES];
	int r = 0;

	print_path(path, name);
	if (netns_exists(name) && umount2(path, MNT_DETACH) < 0)
		r = -errno;
	if (unlink(path) < 0 && errno != ENOENT && r == 0)
		r = -errno;
	if (r == 0)
		remove_marker(name);
	return r;
}

/* The caller has seen that there is no namespace. */
int netns_create(const char *name)
{
	struct identity left;
	char path[PATH_BYTES];
	int fd, r;

	print_path(path, name);
	r = fault_injected("netns") ? -EIO : share_folder();
	if (r < 0)
		return r;
	if (read_marker(&left, name) == 0)
		(void)unlink(path); /* the mount point, of a process that was killed */
	if (access(path, F_OK) == 0)
		return -EEXIST; /* a file that is not a namespace */
	note(name, NULL);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0) {
		r = -errno;
		remove_marker(name);
		return r;
	}
	close(fd);
	r = make(name, path);
	if (r < 0)
		(void)delete(name);
	return r;
}

/* ---- deleting ---- */

/* The kernel makes these in each namespace, once their modules are loaded. */
static bool is_of_kernel(const struct link_info *l)
{
	static const char *const names[] = { "tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0",
					     "ip6gre0", "ip6gretap0" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!l->up && strcmp(l->name, names[i]) == 0)
			return true;
	return l->loopback;
}

/* The links are counted if it is ours. */
static int inspect(bool *is_ours, size_t *others, const char *name, const struct identity *marked)
{
	struct host host = { 0 };
	struct links links = { 0 };
	struct identity id;
	int r = netns_enter(&host, name);

	*is_ours = false;
	if (r < 0)
		return r;
	r = identify(&id, netns_inside_fd());
	*is_ours = r == 0 && is_same(&id, marked);
	if (*is_ours)
		r = rtnetlink_links(&host.rtnetlink, &links);
	for (size_t i = 0; i < links.n; i++)
		*others += !is_of_kernel(&links.list[i]);
	free(links.list);
	netns_leave(&host);
	return r;
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int find_processes(bool *found, uint64_t inode)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;

	*found = false;
	if (!d)
		return -errno;
	while (!*found && (entry = readdir(d))) {
		char path[64];
		struct text t = text_fixed(path, sizeof path);
		if (!ascii_is_digit(entry->d_name[0]))
			continue;
		text_f(&t, "/proc/%s/ns/net", entry->d_name);
		*found = inode_of(path) == inode;
	}
	closedir(d);
	return 0;
}

int netns_release(const char *name, struct command_trace *trace)
{
	char path[PATH_BYTES], marker[PATH_BYTES];
	struct identity marked;
	size_t others = 0;
	bool is_ours, is_used;
	int r;

	print_path(path, name);
	print_marker(marker, name);
	fileio_remove_temporary(marker); /* of a process that was killed */
	r = read_marker(&marked, name);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (netns_exists(name)) {
		r = inspect(&is_ours, &others, name, &marked);
		if (r == 0 && !is_ours)
			remove_marker(name); /* ours is gone */
		if (r < 0 || !is_ours || others > 0)
			return r;
		r = find_processes(&is_used, inode_of(path));
		if (r < 0 || is_used)
			return r;
	}
	text_f(&trace->t, "[#] ip netns delete %s\n", name);
	return fault_injected("netns") ? -EIO : delete(name);
}
