/* The copy of the replaced resolv.conf. */
#include "dns_backup.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fileio.h"

#define STATE_FOLDER LOCALSTATEDIR "/lib/wgsuite"

enum { NEXT_TO_FILE, STATE, VOLATILE, PLACES };

/* The fifth word of a line of proc_pid_mountinfo(5). */
static bool is_mount_point(const char *path)
{
	struct text mounts = text_heap();
	bool found = false;
	struct span rest, line, word;

	if (fileio_read("/proc/self/mountinfo", &mounts) == 0) {
		rest = text_of(&mounts);
		while (!found && span_next(&line, &rest, '\n')) {
			int n = 0;
			while (n < 5 && span_next(&word, &line, ' '))
				n++;
			found = n == 5 && span_is(word, path);
		}
	}
	text_heap_free(&mounts);
	return found;
}

/* A file that is mounted at /etc/resolv.conf, as ip-netns(8) does, shares /etc with that of the host. Its inode does not
 * change, because it can only be written in place. */
static void path_of(char path[PATH_MAX], int place, const char *folder)
{
	struct text t = text_fixed(path, PATH_MAX);
	struct stat st;

	switch (place) {
	case NEXT_TO_FILE: text_add(&t, RESOLV_CONF); break;
	case STATE: text_add(&t, STATE_FOLDER "/resolv.conf"); break;
	default: text_f(&t, "%s/resolv.conf", folder); break;
	}
	text_add(&t, ".wg-quick");
	if (is_mount_point(RESOLV_CONF) && stat(RESOLV_CONF, &st) == 0)
		text_f(&t, "-%llu", (unsigned long long)st.st_ino);
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
		path_of(path, place, folder);
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
		path_of(path, place, folder);
		if (fileio_read(path, out) == 0)
			return true;
	}
	path[0] = '\0';
	return false;
}

void dns_backup_remove(const char *folder)
{
	char path[PATH_MAX];

	for (int place = 0; place < PLACES; place++) {
		path_of(path, place, folder);
		fileio_remove(path);
		fileio_remove_temporary(path);
	}
	(void)rmdir(STATE_FOLDER);
}
