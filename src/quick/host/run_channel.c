/* Messages with file descriptors (SCM_RIGHTS, unix(7)). */
#include "run_channel.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct wire {
	int32_t kind, value;
};

int run_channel_open(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : -errno;
}

int run_channel_send(int fd, const struct run_message *m)
{
	struct wire wire = { m->kind, m->value };
	struct iovec iov = { &wire, sizeof wire };
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof m->fds)] = { 0 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t bytes = m->n_fds * sizeof m->fds[0];
	ssize_t n;

	if (m->n_fds > 0) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)control;
		h.msg_control = control;
		h.msg_controllen = (socklen_t)CMSG_SPACE(bytes);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), m->fds, bytes);
	}
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void take_fds(struct run_message *m, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || bytes > sizeof m->fds)
			continue;
		m->n_fds = bytes / sizeof m->fds[0];
		memcpy(m->fds, CMSG_DATA(c), bytes);
	}
}

int run_channel_receive(int fd, struct run_message *m)
{
	struct wire wire = { 0 };
	struct iovec iov = { &wire, sizeof wire };
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof m->fds)];
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	ssize_t n;

	*m = (struct run_message){ 0 };
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? -EPIPE : -errno;
	take_fds(m, &h);
	m->kind = wire.kind;
	m->value = wire.value;
	return n == sizeof wire ? 0 : -EPROTO;
}

/* ---- descriptors ---- */

static void close_between(unsigned int first, unsigned int last)
{
	struct dirent *e;
	DIR *list;

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	list = opendir("/proc/self/fd");
	while (list && (e = readdir(list))) {
		unsigned long fd = strtoul(e->d_name, NULL, 10);
		if (fd >= first && fd <= last && (int)fd != dirfd(list))
			close((int)fd);
	}
	if (list)
		closedir(list);
}

void run_close_others(const int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;

	for (;;) {
		unsigned int next = UINT_MAX;
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		close_between(from, next == UINT_MAX ? UINT_MAX : next - 1);
		if (next == UINT_MAX)
			return;
		from = next + 1;
	}
}
