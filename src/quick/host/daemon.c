/* Userspace daemons that serve an interface. */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "fileio.h"

static bool accepts_connections(const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes;

	if (fd < 0) /* this process has no descriptor left: not the daemon's end */
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
	yes = connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno == EAGAIN; /* stopped or busy */
	close(fd);
	return yes;
}

static void socket_path(struct sockaddr_un *to, const char *name)
{
	struct text t = text_fixed(to->sun_path, sizeof to->sun_path);

	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	text_f(&t, "%s/wireguard/%s.sock", RUNSTATEDIR, name);
}

/* 0: not known, as in another process namespace. */
static int process_of(const struct sockaddr_un *to)
{
	struct ucred peer = { 0 };
	socklen_t n = sizeof peer;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
	if (fd >= 0)
		close(fd);
	return (int)peer.pid;
}

bool daemon_find(struct daemon_process *out, const char *name)
{
	struct sockaddr_un to;
	char path[48];
	struct text t = text_fixed(path, sizeof path), comm = text_heap(), program;

	*out = (struct daemon_process){ 0 };
	socket_path(&to, name);
	if (!accepts_connections(&to))
		return false;
	out->pid = process_of(&to);
	text_f(&t, "/proc/%d/comm", out->pid);
	program = text_fixed(out->program, sizeof out->program);
	if (out->pid > 0 && fileio_read(path, &comm) == 0)
		text_span(&program, span_trim(text_of(&comm)));
	text_heap_free(&comm);
	return true;
}

static bool read_of_process(struct text *out, const struct daemon_process *d, const char *file)
{
	char path[48];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/%d/%s", d->pid, file);
	return d->pid > 0 && fileio_read(path, out) == 0;
}

bool daemon_has_variable(const struct daemon_process *d, const char *assignment)
{
	struct text t = text_heap();
	struct span rest, one;
	bool found = false;

	if (read_of_process(&t, d, "environ"))
		for (rest = text_of(&t); !found && span_next(&one, &rest, '\0');)
			found = span_is(one, assignment);
	text_heap_free(&t);
	return found;
}

/* "0::/system.slice/UNIT" */
bool daemon_is_of_unit(const struct daemon_process *d, const char *unit)
{
	struct text t = text_heap();
	struct span rest, line, folder;
	bool found = false;

	if (read_of_process(&t, d, "cgroup"))
		for (rest = text_of(&t); !found && rest.n > 0 && span_next(&line, &rest, '\n');)
			while (!found && line.n > 0 && span_next(&folder, &line, '/'))
				found = span_is(folder, unit);
	text_heap_free(&t);
	return found;
}

/* The daemon is trusted neither with the time nor with the amount. */
static int read_until_end(int fd, struct text *out)
{
	enum { MOST_BYTES = 1 << 20, LIMIT_MS = 5000 };
	uint64_t end_ms = clock_boot_ms() + LIMIT_MS;
	char piece[4096];

	while (out->n < MOST_BYTES && !out->failed) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now_ms = clock_boot_ms();
		ssize_t n;
		if (poll(&p, 1, now_ms < end_ms ? (int)(end_ms - now_ms) : 0) <= 0)
			return -ETIMEDOUT;
		n = read(fd, piece, sizeof piece);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		text_span(out, (struct span){ piece, (size_t)n });
	}
	return out->failed ? -ENOMEM : -EMSGSIZE;
}

int daemon_read_statistics(struct text *out, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct text t = text_fixed(to.sun_path, sizeof to.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	text_f(&t, "%s/wgsuite/%s.stats", RUNSTATEDIR, name);
	if (fd < 0)
		return -errno;
	r = connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? -errno : read_until_end(fd, out);
	close(fd);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

int daemon_end(const char *name)
{
	enum { WAIT_MS = 10000 };
	struct sockaddr_un to;
	char proc[32];
	struct text t = text_fixed(proc, sizeof proc);
	int pid;

	socket_path(&to, name);
	pid = process_of(&to);
	if (unlink(to.sun_path) < 0)
		return -errno;
	text_f(&t, "/proc/%d", pid);
	for (int i = 0; pid > 0 && i < WAIT_MS && access(proc, F_OK) == 0; i++) {
		struct timespec ms = { .tv_nsec = (long)NS_PER_MS };
		nanosleep(&ms, NULL);
	}
	return pid > 0 && access(proc, F_OK) == 0 ? -ETIMEDOUT : 0;
}

bool daemon_is_elsewhere(const char *name)
{
	struct sockaddr_un to;
	struct stat own, its;
	char proc[48];
	struct text t = text_fixed(proc, sizeof proc);

	socket_path(&to, name);
	text_f(&t, "/proc/%d/ns/net", process_of(&to));
	return stat("/proc/self/ns/net", &own) == 0 && stat(proc, &its) == 0 &&
	       (own.st_ino != its.st_ino || own.st_dev != its.st_dev);
}

/* Whether it is still this process that listens, as far as one that accepts no connections tells, and it is not stopped. */
static bool is_running(int pid, const struct sockaddr_un *to)
{
	const struct daemon_process d = { .pid = pid };
	struct text t = text_heap();
	int now = process_of(to);
	size_t i;
	bool yes = (now == 0 || now == pid) && read_of_process(&t, &d, "stat");

	if (yes) { /* "PID (NAME) STATE …" */
		for (i = t.n; i > 0 && t.p[i - 1] != ')'; i--)
			;
		yes = i + 1 < t.n && t.p[i + 1] != 'T';
	}
	text_heap_free(&t);
	return yes;
}

/* A daemon exits by itself when it notices that its interface is gone. */
void daemon_wait_exit(const char *name)
{
	enum { SHORT_WAITS = 100, SHORT_MS = 1, LONG_MS = 10, TRIES = 1100, TRIES_OTHERS = 140 };
	struct sockaddr_un to;
	int pid;

	socket_path(&to, name);
	pid = process_of(&to);
	for (int i = 0; i < TRIES && access(to.sun_path, F_OK) == 0; i++) {
		if (!accepts_connections(&to)) {
			ipc_remove_dead_daemon(NULL, name);
			return;
		}
		if (i >= TRIES_OTHERS && !is_running(pid, &to))
			return;
		clock_wait_ms(i < SHORT_WAITS ? SHORT_MS : LONG_MS);
	}
}

void daemon_remove_dead_sockets(struct ipc *ipc)
{
	struct ipc_names names;

	if (ipc_list(ipc, &names) == 0)
		ipc_names_free(&names);
}
