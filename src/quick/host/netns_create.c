/* Creates and deletes network namespaces. A file in the folder of the journals tells which ones wg-quick made. */
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

#include "fault_injection.h"
#include "fileio.h"
#include "netns_place.h"
#include "subprocess.h"

static const char folder[] = "/run/netns";

enum { PATH_BYTES = 64 + NETNS_NAME_MAX };

static void print_path(char path[PATH_BYTES], const char *name)
{
	struct text t = text_fixed(path, PATH_BYTES);

	text_f(&t, "%s/%s", folder, name);
}

/* ---- the file that tells that wg-quick made it ---- */

static void print_marker(char path[PATH_BYTES], const char *name)
{
	struct text t = text_fixed(path, PATH_BYTES);

	text_f(&t, RUNSTATEDIR "/wgsuite/netns-%s", name);
}

static int write_marker(const char *name, uint64_t inode)
{
	char path[PATH_BYTES], number[24];
	struct text t = text_fixed(number, sizeof number);

	print_marker(path, name);
	if (inode)
		text_u64(&t, inode);
	return fileio_replace(path, text_of(&t));
}

static void remove_marker(const char *name)
{
	char path[PATH_BYTES];

	print_marker(path, name);
	(void)!fileio_remove(path);
	fileio_remove_temporary(path);
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* An empty one is that of a process that was killed while it made the namespace. */
static bool is_ours(const char *name)
{
	char marker[PATH_BYTES], path[PATH_BYTES];
	struct text t = text_heap();
	uint64_t inode = 0;
	bool ours;

	print_marker(marker, name);
	print_path(path, name);
	ours = fileio_read(marker, &t) == 0 && (t.n == 0 || (span_to_u64(&inode, text_of(&t), UINT64_MAX) && inode == inode_of(path)));
	text_heap_free(&t);
	return ours;
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

/* In a child process, whose exit status is the error. */
static int make_in_child(void *path)
{
	if (unshare(CLONE_NEWNET) < 0 || mount("/proc/self/ns/net", path, "none", MS_BIND, NULL) < 0)
		return errno;
	return -bring_loopback_up();
}

static int make(char *path)
{
	static const char *const argv[] = { "netns", NULL }; /* for messages */
	const struct subprocess child = { .argv = argv, .function = make_in_child, .ctx = path };
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	close(fd);
	r = subprocess_run(&child);
	return r > 0 ? -r : r;
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

int netns_create(const char *name)
{
	char path[PATH_BYTES];
	int r;

	print_path(path, name);
	if (access(path, F_OK) == 0 && !is_ours(name))
		return -EEXIST; /* a file that is not a namespace */
	r = fault_injected("netns") ? -EIO : share_folder();
	if (r < 0)
		return r;
	(void)!write_marker(name, 0); /* without the folder of the journals, the namespace stays */
	r = make(path);
	if (r == 0)
		(void)!write_marker(name, inode_of(path));
	else
		(void)!delete(name);
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

static int count_links(struct host *host, const char *name, size_t *others)
{
	struct links links = { 0 };
	int r = netns_enter(host, name);

	if (r < 0)
		return r;
	r = rtnetlink_links(&host->rtnetlink, &links);
	for (size_t i = 0; i < links.n; i++)
		*others += !is_of_kernel(&links.list[i]);
	free(links.list);
	netns_leave(host);
	return r;
}

static bool has_processes(uint64_t inode)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (d && !found && (entry = readdir(d))) {
		char path[64];
		struct text t = text_fixed(path, sizeof path);
		if (!ascii_is_digit(entry->d_name[0]))
			continue;
		text_f(&t, "/proc/%s/ns/net", entry->d_name);
		found = inode_of(path) == inode;
	}
	if (d)
		closedir(d);
	return found;
}

int netns_release(const char *name, struct command_trace *trace)
{
	struct host host = { 0 };
	char path[PATH_BYTES], marker[PATH_BYTES];
	size_t others = 0;
	int r;

	print_path(path, name);
	print_marker(marker, name);
	fileio_remove_temporary(marker); /* of a process that was killed */
	if (!is_ours(name))
		return 0;
	if (netns_exists(name)) {
		r = count_links(&host, name, &others);
		if (r < 0 || others > 0 || has_processes(inode_of(path)))
			return r;
	}
	text_f(&trace->t, "[#] ip netns delete %s\n", name);
	return fault_injected("netns") ? -EIO : delete(name);
}
