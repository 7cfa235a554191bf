/* Userspace daemons that serve an interface. */
#include "daemon.h"

#include <errno.h>
#include <sys/socket.h>
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

/* A daemon exits by itself when it notices that its interface is gone. */
void daemon_wait_exit(const char *name)
{
	enum { TRIES = 500 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct text t = text_fixed(to.sun_path, sizeof to.sun_path);

	text_f(&t, "%s/wireguard/%s.sock", RUNSTATEDIR, name);
	for (int i = 0; i < TRIES && access(to.sun_path, F_OK) == 0; i++) {
		struct timespec ms = { .tv_nsec = (long)NS_PER_MS };
		if (!accepts_connections(&to)) {
			(void)unlink(to.sun_path);
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
