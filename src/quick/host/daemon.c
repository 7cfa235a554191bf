/* Userspace daemons that serve an interface. */
#include "daemon.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

static bool accepts_connections(const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool yes = fd >= 0 && (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 ||
			       errno == EAGAIN); /* stopped or busy */

	if (fd >= 0)
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

int daemon_end(const char *name)
{
	enum { WAIT_MS = 2000 };
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

/* A daemon exits by itself when it notices that its interface is gone. */
void daemon_wait_exit(const char *name)
{
	enum { TRIES = 500 };
	struct sockaddr_un to;

	socket_path(&to, name);
	for (int i = 0; i < TRIES && access(to.sun_path, F_OK) == 0; i++) {
		struct timespec ms = { .tv_nsec = (long)NS_PER_MS };
		if (!accepts_connections(&to)) {
			ipc_remove_dead_daemon(NULL, name);
			return;
		}
		nanosleep(&ms, NULL);
	}
}

void daemon_remove_dead_sockets(struct ipc *ipc)
{
	struct ipc_names names;

	if (ipc_list(ipc, &names) == 0)
		ipc_names_free(&names);
}
