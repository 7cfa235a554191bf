/* Files that detached processes watch. */
#include "watched_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault_injection.h"
#include "signals.h"
#include "subprocess.h"

static const char fd_variable[] = "WG_QUICK_WATCHED_FD";
enum { POLL_WITHOUT_EVENTS_MS = 500 };

/* ---- the file ---- */

int watched_file_write(int fd, size_t offset, struct span text)
{
	ssize_t n = fault_injected("write") ? -1 : pwrite(fd, text.p, text.n, (off_t)offset);

	return n == (ssize_t)text.n ? 0 : n < 0 && errno ? -errno : -EIO;
}

int watched_file_read(int fd, struct text *out)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = fault_injected("read") ? -1 : pread(fd, piece, sizeof piece, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text_span(out, (struct span){ piece, (size_t)n });
		at += n;
	}
	return out->failed ? -ENOMEM : 0;
}

int watched_file_create(struct temporary_file *f, const char *path, struct span text)
{
	int r = temporary_file_open(f, path, ".tmp");

	if (r < 0)
		return r;
	r = flock(f->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : watched_file_write(f->fd, 0, text);
	if (r < 0)
		temporary_file_discard(f);
	return r;
}

int watched_file_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), r;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

bool watched_file_is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool locked;

	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

void watched_file_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the process ---- */

/* A terminal is kept for messages as long as it exists; a pipe would keep its reader waiting. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		_exit(126);
	dup2(null, STDIN_FILENO);
	if (!isatty(STDOUT_FILENO))
		dup2(null, STDOUT_FILENO);
	if (!isatty(STDERR_FILENO))
		dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

/* By its path, which gives the process its name, unless another file is there by now. */
static void exec_self(const char *const argv[])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n > 0) {
		path[n] = '\0';
		execv(path, (char *const *)(uintptr_t)argv);
	}
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
}

/* Does not return. result: tells why the program could not be run. */
static void run_detached(int fd, const char *const argv[], int result)
{
	static const int ignored[] = { SIGHUP, SIGPIPE, SIGTTOU };
	char number[16];
	struct text t = text_fixed(number, sizeof number);
	int error;

	setsid();
	signals_restore();
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	leave_terminal();
	text_u64(&t, (uint64_t)fd);
	if (fcntl(fd, F_SETFD, 0) == 0 && setenv(fd_variable, number, 1) == 0 && unsetenv("WG_QUICK_HOLDS") == 0 &&
	    chdir("/") == 0)
		exec_self(argv);
	error = errno;
	while (write(result, &error, sizeof error) < 0 && errno == EINTR)
		;
	_exit(127);
}

static void start_child(int fd, const char *const argv[], int result)
{
	pid_t child = fork(); /* so that init is its parent */

	if (child == 0)
		run_detached(fd, argv, result);
	_exit(child < 0);
}

int watched_file_start(int fd, const char *const argv[])
{
	int result[2], status = 0, error = 0;
	ssize_t n;
	pid_t child;

	if (fault_injected("watcher"))
		return -EAGAIN;
	if (pipe2(result, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		start_child(fd, argv, result[1]);
	close(result[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	do
		n = read(result[0], &error, sizeof error);
	while (n < 0 && errno == EINTR);
	close(result[0]);
	if (n == (ssize_t)sizeof error && error > 0)
		return -error;
	return child < 0 || status != 0 ? -EAGAIN : 0;
}

int watched_file_inherited(void)
{
	const char *value = getenv(fd_variable);
	uint64_t fd;

	if (!value || !span_to_u64(&fd, span_of(value), INT_MAX) || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	unsetenv(fd_variable);
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}

/* sd_booted(3) tests this folder. */
void watched_file_leave_unit(void)
{
	static const char systemd[] = "org.freedesktop.systemd1";
	char scope[64], pid[16];
	struct text t = text_fixed(scope, sizeof scope), number = text_fixed(pid, sizeof pid);
	const char *const argv[] = { "busctl", "--quiet", "--timeout=5", "call", systemd, "/org/freedesktop/systemd1",
				     "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", scope, "fail",
				     "2", "PIDs", "au", "1", pid, "Description", "s", "WireGuard: waiting for wg-quick confirm",
				     "0", NULL };
	const struct subprocess busctl = { .argv = argv, .quiet = true };

	if (access("/run/systemd/system", F_OK) < 0 || !subprocess_find("busctl"))
		return;
	text_u64(&number, (uint64_t)getpid());
	text_f(&t, "wg-quick-confirm-%s.scope", pid);
	(void)subprocess_run(&busctl);
}

/* ---- waiting ---- */

void file_watch_open(struct file_watch *w, int fd)
{
	char path[64];
	struct text t = text_fixed(path, sizeof path);

	*w = (struct file_watch){ .fd = fd, .events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
				  .timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK) };
	text_f(&t, "/proc/self/fd/%d", fd);
	if (w->events >= 0 && inotify_add_watch(w->events, path, IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
		close(w->events);
		w->events = -1;
	}
}

void file_watch_close(struct file_watch *w)
{
	watched_file_close(w->events);
	watched_file_close(w->timer);
}

/* Without inotify(7), which has few instances for each user, or without a timer, looks again after a while. */
void file_watch_wait(struct file_watch *w, uint64_t deadline_ms)
{
	struct itimerspec at = { .it_value = { .tv_sec = (time_t)(deadline_ms / 1000),
					       .tv_nsec = (long)(deadline_ms % 1000) * (long)NS_PER_MS + 1 } };
	struct pollfd fds[] = { { .fd = w->timer, .events = POLLIN }, { .fd = w->events, .events = POLLIN } };
	char events[4096];

	if (timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL) < 0 || poll(fds, 2, w->events < 0 ? POLL_WITHOUT_EVENTS_MS : -1) < 0)
		(void)poll(NULL, 0, POLL_WITHOUT_EVENTS_MS); /* a signal is handled by the caller */
	while (w->events >= 0 && read(w->events, events, sizeof events) > 0)
		;
}

bool file_watch_exists(const struct file_watch *w)
{
	struct stat st;

	return fstat(w->fd, &st) == 0 && st.st_nlink > 0;
}
