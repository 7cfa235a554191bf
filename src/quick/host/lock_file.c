/* Lock files. */
#include "lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "fileio.h"
#include "lock_holder.h"
#include "report/report.h"
#include "signals.h"
#include "temporary_file.h"

enum { POLL_MS = 20, REPORT_AFTER_MS = 1000, TRIES = 3, FOLDER_TRIES = 100 };

/* A wait for one lock, possibly for several holders in turn. */
struct wait {
	unsigned int waited_ms, limit_ms;
	bool no_wait, reported;
};

static void describe_holder(struct text *t, int fd)
{
	struct lock_holder holder;

	if (!lock_holder_find(&holder, fd))
		text_add(t, "another process");
	else if (holder.command[0])
		text_f(t, "`%s' (process %u)", holder.command, holder.pid);
	else
		text_f(t, "process %u", holder.pid);
}

static void report_holder(int fd, const struct wait *w, bool gives_up)
{
	char name[200];
	struct text t = text_fixed(name, sizeof name);

	describe_holder(&t, fd);
	if (!gives_up) {
		report_warning("waiting for %s", name);
		return;
	}
	report_error("%s did not finish within %u seconds", name, w->limit_ms / 1000);
	report_help("wait until it has finished, or set a longer limit: [lock] timeout in " SYSCONFDIR
		    "/wireguard/wgsuite.ini");
}

static int lock_descriptor(int fd, struct wait *w)
{
	int errors = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		struct timespec pause = { .tv_nsec = POLL_MS * (long)NS_PER_MS };
		/* The kernel may be short of memory for a moment. */
		if (errno != EWOULDBLOCK && errno != EINTR && ++errors == TRIES)
			return -errno;
		if (stop_signal)
			return -EINTR;
		if (w->no_wait)
			return -EWOULDBLOCK;
		if (w->waited_ms >= w->limit_ms) {
			report_holder(fd, w, true);
			return -ETIMEDOUT;
		}
		if (w->waited_ms >= REPORT_AFTER_MS && !w->reported) {
			report_holder(fd, w, false);
			w->reported = true;
		}
		nanosleep(&pause, NULL);
		w->waited_ms += POLL_MS;
	}
	return 0;
}

/* Whatever the umask: wireguardd, which has no right to ignore modes, keeps files in it. */
static int make_folder(const char *folder)
{
	mode_t mask = umask(077);
	int r = mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : -errno;

	umask(mask);
	return r;
}

int lock_file_acquire(const char *folder, const char *path, int timeout_s)
{
	struct wait w = { .limit_ms = timeout_s > 0 ? (unsigned int)timeout_s * 1000 : 0, .no_wait = timeout_s < 0 };

	for (int tries = 1;;) {
		int fd, r = make_folder(folder);
		if (r < 0)
			return r;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno == ENOENT && stop_signal)
			return -EINTR;
		if (fd < 0 && errno == ENOENT && tries++ < FOLDER_TRIES)
			continue; /* another process just removed the folder, or it is a symbolic link to nothing */
		if (fd < 0)
			return -errno;
		r = lock_descriptor(fd, &w);
		if (r == 0 && file_is_at(fd, path)) /* its holder deletes it */
			return fd;
		close(fd);
		if (r < 0)
			return r;
	}
}

void lock_file_release(const char *path, int fd)
{
	fileio_remove(path);
	close(fd);
}

void lock_file_sweep(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlink(path);
	close(fd);
}

bool lock_file_is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return held;
}
