/* The copy of the replaced resolv.conf. */
#include "dns_backup.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fileio.h"
#include "folder.h"

#define STATE_FOLDER LOCALSTATEDIR "/lib/wgsuite"

enum { NEXT_TO_FILE, STATE, VOLATILE, PLACES };

/* The fifth word of a line of proc_pid_mountinfo(5). */
static bool lists_mount_point(struct span mounts, const char *path)
{
	struct span line, word;
	bool found = false;

	while (!found && span_next(&line, &mounts, '\n')) {
		int n = 0;
		while (n < 5 && span_next(&word, &line, ' '))
			n++;
		found = n == 5 && span_is(word, path);
	}
	return found;
}

/* A file that is mounted at /etc/resolv.conf, as ip-netns(8) does, shares /etc with that of the host. Its inode does not
 * change, because it can only be written in place. False: it is not known whether it is mounted, as another name would be
 * that of another file. */
static bool print_inode_if_mounted(struct text *t)
{
	struct text mounts = text_heap();
	struct stat st;
	int r = fileio_read("/proc/self/mountinfo", &mounts);
	bool mounted = r == 0 && lists_mount_point(text_of(&mounts), RESOLV_CONF);

	text_heap_free(&mounts);
	if (mounted && stat(RESOLV_CONF, &st) < 0)
		return false;
	if (mounted)
		text_f(t, "-%llu", (unsigned long long)st.st_ino);
	return r == 0 || r == -ENOENT || r == -EACCES;
}

static bool path_of(char path[PATH_MAX], int place, const char *folder)
{
	struct text t = text_fixed(path, PATH_MAX);

	switch (place) {
	case NEXT_TO_FILE: text_add(&t, RESOLV_CONF); break;
	case STATE: text_add(&t, STATE_FOLDER "/resolv.conf"); break;
	default: text_f(&t, "%s/resolv.conf", folder); break;
	}
	text_add(&t, ".wg-quick");
	return print_inode_if_mounted(&t) || print_inode_if_mounted(&t); /* a failure may be that of a moment */
}

static bool is_equal(const char *path, struct span text)
{
	struct text now = text_heap();
	bool equal = fileio_read(path, &now) == 0 && span_equal(text_of(&now), text);

	text_heap_free(&now);
	return equal;
}

bool dns_backup_write(char path[PATH_MAX], const char *folder, struct span text)
{
	for (int place = 0; place < PLACES; place++) {
		if (!path_of(path, place, folder))
			continue;
		if (is_equal(path, text))
			return false;
		if (place == STATE)
			(void)mkdir(STATE_FOLDER, 0700);
		if (fileio_replace(path, text) == 0)
			return true;
		if (place == STATE)
			(void)rmdir(STATE_FOLDER);
	}
	path[0] = '\0';
	return false;
}

bool dns_backup_read(char path[PATH_MAX], const char *folder, struct text *out)
{
	for (int place = 0; place < PLACES; place++) {
		if (path_of(path, place, folder) && fileio_read(path, out) == 0)
			return true;
	}
	path[0] = '\0';
	return false;
}

void dns_backup_remove(const char *folder)
{
	char path[PATH_MAX];

	for (int place = 0; place < PLACES; place++) {
		if (!path_of(path, place, folder))
			continue;
		fileio_remove(path);
		fileio_remove_temporary(path);
	}
	folder_remove(STATE_FOLDER);
}
