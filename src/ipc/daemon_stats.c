/* The daemon sends its text and closes the connection, without a request. */
#include "daemon_stats.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { STATS_MAX = 256 << 10, WAIT_MS = 5000 }; /* for all of it */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool find_socket(struct sockaddr_un *sa, const char *dir, const char *device)
{
	struct text path = text_fixed(sa->sun_path, sizeof sa->sun_path);
	struct stat st;

	sa->sun_family = AF_UNIX;
	text_f(&path, "%s/%s.stats", dir ? dir : RUNSTATEDIR "/wgsuite", device);
	return !path.failed && !strchr(device, '/') && lstat(sa->sun_path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* 0 at the end, 1, or -errno. */
static int read_some(int fd, struct text *out, size_t limit)
{
	char buffer[16384];
	ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	if ((size_t)n > limit - out->n)
		return -EMSGSIZE;
	text_span(out, (struct span){ buffer, (size_t)n });
	return out->failed ? -ENOMEM : n > 0;
}

static int read_all(int fd, struct text *out)
{
	int64_t deadline = now_ms() + WAIT_MS;
	size_t limit = out->n + STATS_MAX;
	int rc = 1;

	while (rc > 0) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		int ready = poll(&readable, 1, left > 0 ? (int)left : 0); /* perhaps it was this program that was slow */

		if (ready == 0)
			return -ETIMEDOUT;
		if (ready > 0)
			rc = read_some(fd, out, limit);
		else if (errno != EINTR)
			return -errno;
	}
	return rc;
}

/* A queue of connections that is full is no reason to wait: without O_NONBLOCK connect() would. */
int ipc_daemon_stats(const char *dir, const char *device, struct text *out)
{
	struct sockaddr_un sa;
	int fd, rc;

	if (!find_socket(&sa, dir, device))
		return -ENOENT;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0 ? -errno : read_all(fd, out);
	close(fd);
	return rc == -ECONNREFUSED ? -ENOENT : rc == -EAGAIN ? -ETIMEDOUT : rc;
}
