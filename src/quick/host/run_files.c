/* /run, /etc/resolv.conf and /etc/nsswitch.conf of a command that runs in private namespaces. Programs outside replace
 * resolv.conf and restart their services at any time, and removing a file or directory removes what is mounted on it. So /run
 * is a separate file system, in which every entry of the real one is mounted except those of services that resolve names; if
 * resolv.conf is a link to /run, its target is a file there. */
#include "run_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vector.h"
#include "report/report.h"
#include "run_namespaces.h"

#define RUN "/run"
#define OWN RUN "/wg-quick" /* folder of the files */
#define RESOLV_CONF "/etc/resolv.conf"
#define NSSWITCH "/etc/nsswitch.conf"

/* Services that look names up outside: caches of the C library, systemd-resolved, the system bus, over which it and avahi are
 * asked, and others that modules of nsswitch.conf ask. */
static const char *const hidden[] = { "nscd",	       "unscd", "dbus",	   "avahi-daemon",
				      "systemd/resolve", "nslcd", "wg-quick" };

struct mirror {
	char special[PATH_MAX]; /* the path below /run that /etc/resolv.conf is a link to; empty: none */
	char staging[64];       /* where the new /run is built */
	int error;              /* the first */
	char failed[PATH_MAX];  /* and its path */
};

static void fail(struct mirror *m, const char *path)
{
	struct text t = text_fixed(m->failed, sizeof m->failed);

	if (m->error)
		return;
	m->error = -errno;
	text_add(&t, path);
}

/* ---- the link ---- */

/* Where a chain of symbolic links ends, of which the last file need not exist. False: not below /run. */
static bool find_special(char out[PATH_MAX])
{
	static const char run[] = RUN "/", var_run[] = "/var/run/";
	char path[PATH_MAX] = RESOLV_CONF, target[PATH_MAX];
	struct span end;

	for (int i = 0; i < 8; i++) {
		ssize_t n = readlink(path, target, sizeof target - 1);
		size_t folder = 0;
		if (n < 0)
			break;
		if (target[0] != '/')
			folder = (size_t)(strrchr(path, '/') + 1 - path);
		if (folder + (size_t)n >= sizeof path)
			return false;
		memcpy(path + folder, target, (size_t)n);
		path[folder + (size_t)n] = '\0';
	}
	end = span_of(path);
	if (span_starts(end, "/etc/../"))
		end = span_sub(end, sizeof "/etc/.." - 1, end.n);
	end = span_starts(end, var_run) ? span_sub(end, sizeof var_run - 1, end.n) :
	      span_starts(end, run)	? span_sub(end, sizeof run - 1, end.n) :
					  (struct span){ 0 };
	if (end.n == 0 || span_contains(end, ".."))
		return false;
	memcpy(out, end.p, end.n);
	out[end.n] = '\0';
	return true;
}

/* ---- /run ---- */

static bool is_above(const char *path, const char *other)
{
	size_t n = strlen(path);

	return strncmp(path, other, n) == 0 && other[n] == '/';
}

static bool is_hidden(const struct mirror *m, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (strcmp(path, hidden[i]) == 0)
			return true;
	return strcmp(path, m->special) == 0;
}

/* Part of it is hidden: its entries are mounted one by one. */
static bool is_partial(const struct mirror *m, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (is_above(path, hidden[i]))
			return true;
	return is_above(path, m->special);
}

static void copy_link(struct mirror *m, const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof target - 1);

	if (n < 0)
		return;
	target[n] = '\0';
	if (symlink(target, to) != 0)
		fail(m, to);
}

static void create_empty(struct mirror *m, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		fail(m, path);
	else
		close(fd);
}

/* An entry that cannot be mounted, or is gone meanwhile, is left out. */
static void mount_entry(struct mirror *m, const char *from, const char *to, bool is_folder)
{
	if (!is_folder)
		create_empty(m, to);
	else if (mkdir(to, 0755) != 0)
		fail(m, to);
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0)
		return;
	if (is_folder)
		rmdir(to);
	else
		unlink(to);
}

static void mirror_folder(struct mirror *m, const char *path);

static void mirror_entry(struct mirror *m, const char *folder, const char *name)
{
	char path[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
	struct text p = text_fixed(path, sizeof path), f = text_fixed(from, sizeof from), t = text_fixed(to, sizeof to);
	struct stat st;

	text_f(&p, "%s%s%s", folder, folder[0] ? "/" : "", name);
	text_f(&f, RUN "/%s", path);
	text_f(&t, "%s/%s", m->staging, path);
	if (p.failed || f.failed || t.failed || is_hidden(m, path) || lstat(from, &st) != 0)
		return;
	if (S_ISLNK(st.st_mode)) {
		copy_link(m, from, to);
	} else if (S_ISDIR(st.st_mode) && is_partial(m, path)) {
		if (mkdir(to, 0755) != 0)
			fail(m, to);
		mirror_folder(m, path);
	} else {
		mount_entry(m, from, to, S_ISDIR(st.st_mode));
	}
}

/* path: below /run; "": that itself. */
static void mirror_folder(struct mirror *m, const char *path)
{
	char from[PATH_MAX];
	struct text f = text_fixed(from, sizeof from);
	struct dirent *e;
	DIR *d;

	text_f(&f, RUN "/%s", path);
	d = opendir(from);
	if (!d) {
		fail(m, from);
		return;
	}
	while (m->error == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			mirror_entry(m, path, e->d_name);
	closedir(d);
}

static void make_parents(struct mirror *m, char *path)
{
	for (char *slash = strchr(path + strlen(m->staging) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			fail(m, path);
		*slash = '/';
	}
}

static void write_below(struct mirror *m, const char *path, struct span contents)
{
	char to[PATH_MAX];
	struct text t = text_fixed(to, sizeof to);
	int fd;

	text_f(&t, "%s/%s", m->staging, path);
	make_parents(m, to);
	fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd >= 0)
		errno = ENOSPC; /* a short write sets none */
	if (fd < 0 || write(fd, contents.p, contents.n) != (ssize_t)contents.n)
		fail(m, to);
	if (fd >= 0)
		close(fd);
}

/* The new file system is built on a folder that is not part of it, whose contents are hidden for that time. */
static int mount_staging(struct mirror *m)
{
	static const char *const folders[] = { "/tmp", "/var/tmp", "/mnt", "/dev/shm", "/opt" };
	int error = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		struct text t = text_fixed(m->staging, sizeof m->staging);
		if (mount("wg-quick", folders[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") == 0) {
			text_add(&t, folders[i]);
			return 0;
		}
		if (errno != ENOENT)
			error = -errno;
	}
	return error;
}

static int replace_run(struct mirror *m, const struct run_files *f)
{
	mode_t mask = umask(0);

	mirror_folder(m, "");
	write_below(m, "wg-quick/resolv.conf", f->resolv_conf);
	if (f->nsswitch.p)
		write_below(m, "wg-quick/nsswitch.conf", f->nsswitch);
	if (m->special[0])
		write_below(m, m->special, f->resolv_conf);
	umask(mask);
	if (m->error == 0 && mount(m->staging, RUN, NULL, MS_BIND | MS_REC, NULL) != 0)
		fail(m, RUN);
	if (m->error == 0 && mount(NULL, RUN, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
		fail(m, RUN);
	umount2(m->staging, MNT_DETACH);
	return m->error;
}

/* Where /var/run is not a link to /run. */
static void hide_in_var_run(void)
{
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
		char path[64], real[PATH_MAX];
		struct text t = text_fixed(path, sizeof path);
		text_f(&t, "/var/run/%s", hidden[i]);
		if (realpath(path, real) && strncmp(real, RUN "/", sizeof RUN) != 0 &&
		    mount("wg-quick", real, "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=0755") != 0)
			report_warning("cannot hide %s: %s", path, strerror(errno));
	}
}

/* ---- files of /etc ---- */

/* -ENOENT: there is no such file to mount on. */
static int mount_file(const char *source, const char *target)
{
	struct stat own, now;

	if (stat(source, &own) != 0)
		return 0; /* the host has none */
	if (stat(target, &now) != 0)
		return -errno;
	if (own.st_dev == now.st_dev && own.st_ino == now.st_ino)
		return 0;
	return mount(source, target, NULL, MS_BIND, NULL) == 0 ? 0 : -errno;
}

void run_files_mount_again(void)
{
	(void)mount_file(OWN "/resolv.conf", RESOLV_CONF);
	(void)mount_file(OWN "/nsswitch.conf", NSSWITCH);
}

int run_files_watch(void)
{
	return open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
}

/* Without resolv.conf, the C library asks a name server on this host, and the namespace has no such server. */
static int mount_files(void)
{
	int r = mount_file(OWN "/resolv.conf", RESOLV_CONF);

	if (r == -ENOENT) {
		report_warning(RESOLV_CONF " does not exist: the command cannot resolve names by DNS");
		r = 0;
	}
	if (r == 0)
		r = mount_file(OWN "/nsswitch.conf", NSSWITCH);
	return r;
}

int run_files_mount(const struct run_files *f)
{
	struct mirror m = { .special = "" };
	int r = mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) == 0 ? 0 : -errno;

	if (r < 0 && r != -EINVAL) /* / is no mount point, as in a chroot; mounts in a new user namespace are slaves anyway */
		return run_namespaces_refused("create a private mount namespace", r);
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL); /* else it shows processes outside */
	r = mount_staging(&m);
	if (r < 0)
		return run_namespaces_refused("mount a file system for " RUN, r);
	if (!find_special(m.special))
		m.special[0] = '\0';
	r = replace_run(&m, f);
	if (r < 0) {
		report_error("cannot set up " RUN " for the command: %s: %s", m.failed, strerror(-r));
		return r;
	}
	hide_in_var_run();
	r = mount_files();
	if (r < 0)
		report_error("cannot set the name servers of the command: %s", strerror(-r));
	return r;
}
