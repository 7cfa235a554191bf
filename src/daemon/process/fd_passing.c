/* sendmsg(2) and recvmsg(2) with descriptors, and memfd_create(2). */
#include "fd_passing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "clock.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* Linux 6.3 */
#endif

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(FD_PASSING_MAX * sizeof(int))];
};

static int send_rest(int socket, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(socket, p, n, MSG_NOSIGNAL);
		if (k < 0 && errno != EINTR)
			return -errno;
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	return 0;
}

int fd_send(int socket, const void *bytes, size_t n, const int *fds, unsigned int n_fds)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t k;

	if (n_fds > FD_PASSING_MAX || n == 0)
		return -EINVAL;
	if (n_fds > 0) {
		m.msg_control = &control;
		m.msg_controllen = (socklen_t)CMSG_SPACE(n_fds * sizeof *fds);
		control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		control.align.cmsg_len = (socklen_t)CMSG_LEN(n_fds * sizeof *fds);
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof *fds);
	}
	do
		k = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (k < 0 && errno == EINTR);
	return k < 0 ? -errno : send_rest(socket, (const uint8_t *)bytes + k, n - (size_t)k);
}

static void close_all(const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		close(fds[i]);
}

static void take_fds(struct msghdr *m, int fds[FD_PASSING_MAX], unsigned int *n_fds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || *n_fds + n > FD_PASSING_MAX)
			continue;
		memcpy(fds + *n_fds, CMSG_DATA(c), n * sizeof *fds);
		*n_fds += (unsigned int)n;
	}
}

static int wait_readable(int socket, uint64_t until_ns)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };
	int n;

	do {
		uint64_t now_ns = clock_boot_ns();
		n = poll(&p, 1, now_ns >= until_ns ? 0 : (int)((until_ns - now_ns) / NS_PER_MS + 1));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

int fd_receive(int socket, unsigned int timeout_ms, void *bytes, size_t n, int fds[FD_PASSING_MAX], unsigned int *n_fds)
{
	uint64_t until_ns = clock_boot_ns() + timeout_ms * NS_PER_MS;
	size_t have = 0;
	int error = 0;

	*n_fds = 0;
	while (have < n && !error) {
		union control control;
		struct iovec iov = { (uint8_t *)bytes + have, n - have };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				    .msg_controllen = sizeof control };
		ssize_t k;
		error = wait_readable(socket, until_ns);
		if (error)
			break;
		k = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (k > 0)
			take_fds(&m, fds, n_fds);
		if (k == 0)
			error = -ECONNRESET;
		else if (k < 0 && errno != EINTR && errno != EAGAIN)
			error = -errno;
		else if (k > 0 && (m.msg_flags & MSG_CTRUNC))
			error = -EMFILE;
		have += k > 0 ? (size_t)k : 0;
	}
	if (!error)
		return 0;
	close_all(fds, *n_fds);
	*n_fds = 0;
	return error;
}

/* ---- memory ---- */

/* The size is sealed. The process that takes the state marks and wipes it, so writing is not. */
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW };

static int create(void)
{
	int fd = memfd_create("wireguardd", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("wireguardd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

static int map(void **p, size_t n, int fd)
{
	*p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *p == MAP_FAILED ? -errno : 0;
}

int shared_memory_create(int *fd, void **p, size_t n)
{
	int error;

	*fd = create();
	if (*fd < 0)
		return *fd;
	error = fallocate(*fd, 0, 0, (off_t)n) == 0 && fcntl(*fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0 ? 0 : -errno;
	if (!error)
		error = map(p, n, *fd);
	if (error)
		close(*fd);
	return error;
}

int shared_memory_map(void **p, size_t *n, int fd, size_t max)
{
	struct stat s;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || fstat(fd, &s) != 0)
		return -errno;
	if ((seals & SEALS) != SEALS || s.st_size <= 0)
		return -EINVAL;
	if ((uint64_t)s.st_size > max)
		return -EFBIG;
	*n = (size_t)s.st_size;
	return map(p, *n, fd);
}

void shared_memory_wipe(void *p, size_t n)
{
	mem_wipe(p, n);
	(void)munmap(p, n);
}
