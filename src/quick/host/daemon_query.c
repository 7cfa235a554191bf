/* Asking a userspace daemon without waiting. */
#include "daemon_query.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon.h"

void daemon_query_stop(struct daemon_query *q)
{
	if (q->source.fd < 0)
		return;
	close(event_loop_remove(q->loop, &q->source));
}

/* The state has the private key. */
static void ready(struct event_source *s)
{
	struct daemon_query *q = container_of(s, struct daemon_query, source);
	char piece[64];
	ssize_t n = recv(s->fd, piece, sizeof piece, MSG_DONTWAIT);

	mem_wipe(piece, sizeof piece);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	daemon_query_stop(q);
	q->answered(q, n <= 0);
}

int daemon_query_start(struct daemon_query *q, struct event_loop *l, const char *name)
{
	static const char request[] = "get=1\n\n";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct text t = text_fixed(to.sun_path, sizeof to.sun_path);
	int fd, r = 0;

	daemon_query_stop(q);
	text_f(&t, "%s/wireguard/%s.sock", RUNSTATEDIR, name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		r = -errno;
	else if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
		r = errno == EAGAIN ? -ENOBUFS : -errno;
	q->loop = l;
	q->source.ready = ready;
	if (r == 0)
		r = event_loop_add(l, &q->source, fd);
	if (r < 0) {
		close(fd);
		q->source.fd = -1;
	}
	return r;
}

void daemon_process_close(int fd)
{
	close(fd);
}

int daemon_process_fd(const char *name, int *pid)
{
	struct daemon_process d;
	int fd;

	*pid = 0;
	if (!daemon_find(&d, name) || d.pid <= 0)
		return -ESRCH;
	*pid = d.pid;
	fd = (int)syscall(SYS_pidfd_open, d.pid, 0); /* close-on-exec */
	return fd < 0 ? -errno : fd;
}
