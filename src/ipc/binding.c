/* Requests about the binding of the outer sockets. */
#include "binding.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY_MAX = 4096 };

/* Until a blank line, or the end. */
static int read_reply(int fd, struct text *reply)
{
	char piece[256];

	for (;;) {
		ssize_t n = recv(fd, piece, sizeof piece, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return 0;
		text_span(reply, (struct span){ piece, (size_t)n });
		if (reply->failed)
			return -EMSGSIZE;
		if (reply->n >= 2 && memcmp(reply->p + reply->n - 2, "\n\n", 2) == 0)
			return 0;
	}
}

/* Other daemons close the connection, or reply with an error. b: where the reply is stored, or null. */
static int exchange(int fd, struct span request, struct wg_binding *b)
{
	char buffer[REPLY_MAX];
	struct text reply = text_fixed(buffer, sizeof buffer);
	ssize_t n = send(fd, request.p, request.n, MSG_NOSIGNAL);
	int r = n == (ssize_t)request.n ? 0 : n < 0 ? -errno : -EPROTO;

	if (r == 0)
		r = read_reply(fd, &reply);
	if (r == 0)
		r = binding_read_reply(b, text_of(&reply));
	return r == -EPROTO || r == -EPIPE || r == -ECONNRESET || r == -EIO || r == -EINVAL || r == -ENOTSUP ? -EOPNOTSUPP : r;
}

int ipc_set_binding_connected(int fd, const struct wg_binding *b)
{
	char request[256];
	struct text t = text_fixed(request, sizeof request);

	binding_print_set(&t, b);
	return exchange(fd, text_of(&t), NULL);
}

int ipc_set_binding(struct ipc *c, const char *name, const struct wg_binding *b)
{
	int fd = ipc_connect(c, name), r;

	if (fd < 0)
		return fd;
	r = ipc_set_binding_connected(fd, b);
	close(fd);
	return r;
}

int ipc_get_binding(struct ipc *c, const char *name, struct wg_binding *b)
{
	int fd = ipc_connect(c, name), r;

	if (fd < 0)
		return fd;
	r = exchange(fd, SPAN(BINDING_GET "\n\n"), b);
	close(fd);
	return r;
}
