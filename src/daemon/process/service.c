/* The datagrams of sd_notify(3), and the environment variables of sd_listen_fds(3). */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/text.h"
#include "log.h"

enum { FIRST_FD = 3, WAIT_MS = 2000 };

bool service_open(struct service *s)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	*s = (struct service){ .fd = -1, .address.sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof s->address.sun_path || (path[0] != '/' && path[0] != '@'))
		return false;
	memcpy(s->address.sun_path, path, n);
	if (path[0] == '@')
		s->address.sun_path[0] = '\0';
	s->address_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		log_verbose("cannot notify NOTIFY_SOCKET: %s", strerror(errno));
	s->is_open = s->fd >= 0;
	return s->is_open;
}

void service_close(struct service *s)
{
	if (s->is_open)
		close(s->fd);
	s->is_open = false;
}

/* fd -1: none. */
static int notify(const struct service *s, const char *text, int fd)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof fd)];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)&s->address, .msg_namelen = s->address_n, .msg_iov = &iov,
			    .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof control.bytes;
		control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		control.align.cmsg_len = (socklen_t)CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(&control.align), &fd, sizeof fd);
	}
	do
		n = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

void service_notify_ready(const struct service *s)
{
	int error = s->is_open ? notify(s, "READY=1", -1) : 0;

	if (error)
		log_verbose("cannot notify NOTIFY_SOCKET: %s", strerror(-error));
}

int service_store(const struct service *s, const char *name, int fd)
{
	char message[128];
	struct text t = text_fixed(message, sizeof message);

	/* FDPOLL=0: the manager does not watch it. A listening or a data socket would wake it for each packet. */
	text_f(&t, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return t.failed ? -ENAMETOOLONG : notify(s, message, fd);
}

void service_forget(const struct service *s, const char *name)
{
	char message[128];
	struct text t = text_fixed(message, sizeof message);
	int error;

	text_f(&t, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	error = t.failed ? -ENAMETOOLONG : notify(s, message, -1);
	if (error)
		log_verbose("cannot take %s from the file descriptor store: %s", name, strerror(-error));
}

int service_wait(const struct service *s)
{
	struct pollfd p;
	int ends[2], error, n;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	error = notify(s, "BARRIER=1", ends[1]);
	close(ends[1]);
	p = (struct pollfd){ .fd = ends[0] }; /* POLLHUP when the manager has closed the other end */
	do
		n = error ? 1 : poll(&p, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	if (!error)
		error = n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
	close(ends[0]);
	return error;
}

/* ---- descriptors of the process before ---- */

static bool number(uint64_t *out, const char *variable, uint64_t max)
{
	const char *value = getenv(variable);

	return value && span_to_u64(out, span_of(value), max);
}

/* The next name of a list that is separated by colons. */
static struct span next_name(struct span *rest)
{
	const char *colon = rest->n ? memchr(rest->p, ':', rest->n) : NULL;
	struct span name = { rest->p, colon ? (size_t)(colon - rest->p) : rest->n };

	*rest = colon ? (struct span){ colon + 1, rest->n - name.n - 1 } : (struct span){ rest->p, 0 };
	return name;
}

static bool prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

unsigned int service_take_fds(struct service_fd *out, unsigned int max)
{
	const char *list = getenv("LISTEN_FDNAMES");
	struct span names = span_of(list ? list : "");
	uint64_t pid, n_fds;
	unsigned int n = 0;

	if (!number(&pid, "LISTEN_PID", INT_MAX) || !number(&n_fds, "LISTEN_FDS", INT_MAX - FIRST_FD) ||
	    pid != (uint64_t)getpid())
		return 0;
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)n_fds; fd++) {
		struct span name = next_name(&names);
		if (!prepare(fd))
			continue; /* not open */
		if (n == max) {
			close(fd);
			continue;
		}
		out[n] = (struct service_fd){ .fd = fd };
		memcpy(out[n].name, name.p, name.n < sizeof out[n].name ? name.n : sizeof out[n].name - 1);
		n++;
	}
	return n;
}
