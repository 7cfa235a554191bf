/* One connection, one request, one reply. The daemon is trusted with its own device only: the length of its lines, of
 * its whole reply and of anything after the reply is limited. */
#include "socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "model/uapi.h"
#include "ipc.h"
#include "lookup.h"

enum { BUFFER_BYTES = 64 * 1024, SET_REPLY_MAX = 64 * 1024 };
static const uint64_t GET_REPLY_MAX = 1ull << 30; /* twice the size of a million peers with two prefixes */
static const char SUFFIX[] = ".sock";

/* Limits on the silence of a daemon, which may be stopped or hang. Reading its state is fast; it applies a request before
 * it replies, and a million peers take seconds. */
enum { GET_SILENCE_S = 5, SET_SILENCE_S = 30 };

static const char *dir_or_default(const char *dir)
{
	return dir ? dir : RUNSTATEDIR "/wireguard";
}

static bool socket_address(struct sockaddr_un *sa, const char *dir, const char *name)
{
	struct text path = text_fixed(sa->sun_path, sizeof sa->sun_path);

	sa->sun_family = AF_UNIX;
	text_f(&path, "%s/%s%s", dir_or_default(dir), name, SUFFIX);
	return !path.failed && name[0] != '\0' && !strchr(name, '/');
}

/* Symbolic links are followed only if root made them. 0; -ENOENT: there is no socket; or another -errno. */
static int find_socket(struct stat *st, const char *path, bool *is_link)
{
	*is_link = false;
	if (lstat(path, st) < 0)
		return errno == ENOTDIR || errno == EACCES ? -ENOENT : -errno;
	*is_link = S_ISLNK(st->st_mode);
	if (*is_link && (st->st_uid != 0 || stat(path, st) < 0))
		return -ENOENT;
	return S_ISSOCK(st->st_mode) ? 0 : -ENOENT;
}

int socket_stat(struct stat *out, const char *dir, const char *name)
{
	struct sockaddr_un sa;
	bool is_link;

	return socket_address(&sa, dir, name) ? find_socket(out, sa.sun_path, &is_link) : -ENOENT;
}

static void limit_silence(int fd, int seconds)
{
	struct timeval limit = { .tv_sec = seconds };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

static bool refuses_connections(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) < 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

/* A daemon that starts holds this lock until it listens (src/daemon/control/socket_file.c). -1: one may be starting. */
static int lock_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return fd;
	close(fd);
	return -1;
}

void ipc_remove_dead_daemon(const char *dir, const char *name)
{
	char statistics[sizeof((struct sockaddr_un *)0)->sun_path];
	struct text path = text_fixed(statistics, sizeof statistics);
	struct sockaddr_un sa;
	int lock;

	if (!socket_address(&sa, dir, name))
		return;
	lock = lock_folder(dir_or_default(dir));
	if (lock < 0)
		return; /* the next client removes it */
	text_f(&path, "%s/wgsuite/%s.stats", RUNSTATEDIR, name);
	if (refuses_connections(&sa)) { /* it may be another daemon's by now */
		(void)unlink(sa.sun_path);
		if (!dir && !path.failed)
			(void)unlink(statistics);
	}
	close(lock);
}

/* Of socket(): by a sandbox. */
static bool is_refused(int error)
{
	return error == EPERM || error == EACCES || error == EAFNOSUPPORT;
}

bool socket_is_refused(const char *dir, const char *name)
{
	struct stat st;
	int fd;

	if (socket_stat(&st, dir, name))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return is_refused(errno);
	close(fd);
	return false;
}

/* flags: 0 or SOCK_NONBLOCK. */
static int connect_to(const char *dir, const char *name, int flags)
{
	struct sockaddr_un sa;
	struct stat st;
	bool is_link;
	int fd, rc;

	if (!socket_address(&sa, dir, name))
		return -ENOENT;
	rc = find_socket(&st, sa.sun_path, &is_link);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0) /* a sandbox without Unix sockets has no userspace devices either */
		return is_refused(errno) ? -ENOENT : -errno;
	limit_silence(fd, GET_SILENCE_S); /* if its queue of connections is full, connect() waits, unless SOCK_NONBLOCK */
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
		rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (rc == 0)
		return fd;
	close(fd);
	if (rc == -ECONNREFUSED && !is_link)
		ipc_remove_dead_daemon(dir, name);
	return rc;
}

int socket_open(const char *dir, const char *name)
{
	return connect_to(dir, name, 0);
}

/* One that does not accept connections is not waited for: it is there. */
static int socket_list_entry(const char *dir, const char *entry, struct ipc_names *out)
{
	struct ipc_name name = { .backend = IPC_SOCKET };
	size_t n = strlen(entry), suffix = sizeof SUFFIX - 1;
	int fd;

	if (n <= suffix || n - suffix >= sizeof name.name || strcmp(entry + n - suffix, SUFFIX) != 0)
		return 0;
	memcpy(name.name, entry, n - suffix);
	fd = connect_to(dir, name.name, SOCK_NONBLOCK);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return 0;
	if (fd >= 0)
		close(fd);
	return ipc_names_add(out, &name);
}

int socket_list(const char *dir, struct ipc_names *out)
{
	DIR *d = opendir(dir_or_default(dir));
	const struct dirent *entry;
	int rc = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (rc == 0 && (entry = readdir(d)))
		rc = socket_list_entry(dir, entry->d_name, out);
	closedir(d);
	return rc;
}

/* ---- one exchange ---- */

struct exchange {
	int fd;
	int error; /* -errno of sending */
	struct uapi_reader reader;
	uint64_t budget; /* bytes that the reply may still have */
	size_t used;     /* bytes of the buffer that were ever written, to be wiped */
};

static void note_use(struct exchange *x, size_t n)
{
	x->used = n > x->used ? n : x->used;
}

static bool send_all(struct exchange *x, const char *p, size_t n)
{
	ssize_t sent;

	while (n > 0 && x->error == 0) {
		sent = send(x->fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			x->error = errno == EAGAIN ? -ETIMEDOUT : -errno;
			break;
		}
		p += sent;
		n -= (size_t)sent;
	}
	return x->error == 0;
}

/* The make_space callback of the text: sends the full buffer. */
static bool send_full(struct text *t, size_t more)
{
	struct exchange *x = t->ctx;
	bool ok = send_all(x, t->p, t->n);

	note_use(x, t->n);
	t->n = 0;
	t->p[0] = '\0';
	return ok && more < t->cap;
}

static int receive(struct exchange *x, char *buffer, size_t *have)
{
	struct span text;
	ssize_t n;
	int rc;

	n = recv(x->fd, buffer + *have, BUFFER_BYTES - *have, 0);
	if (n < 0)
		return errno == EINTR ? 0 : errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return -EPROTO;
	if ((uint64_t)n > x->budget)
		return -EMSGSIZE;
	x->budget -= (uint64_t)n;
	*have += (size_t)n;
	note_use(x, *have);
	text = (struct span){ buffer, *have };
	rc = uapi_read_reply(&x->reader, &text);
	if (rc)
		return rc;
	if (text.n >= UAPI_LINE_MAX && !x->reader.done)
		return -EPROTO;
	memmove(buffer, text.p, text.n);
	*have = text.n;
	return 0;
}

static int receive_reply(struct exchange *x, char *buffer)
{
	size_t have = 0;
	int rc = 0;

	while (rc == 0 && !x->reader.done)
		rc = receive(x, buffer, &have);
	if (rc)
		return rc;
	return x->reader.have_errno ? -x->reader.error : -EPROTO;
}

/* Sends get=1 (patch is null) or the patch, reads the reply, closes. */
static int exchange(struct exchange *x, const struct wg_device *patch)
{
	char *buffer = malloc(BUFFER_BYTES);
	struct text t;
	int rc = -ENOMEM;

	if (buffer) {
		t = text_fixed(buffer, BUFFER_BYTES);
		t.make_space = send_full;
		t.ctx = x;
		if (patch)
			uapi_print_set(&t, patch, &ipc_scopes);
		else
			text_add(&t, "get=1\n\n");
		(void)send_all(x, t.p, t.n);
		note_use(x, t.n);
		rc = x->error;
		if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
			rc = receive_reply(x, buffer); /* a daemon that closed early may have sent an error first */
		if (x->error && rc == -EPROTO)
			rc = x->error;
		mem_wipe(buffer, x->used);
	}
	free(buffer);
	close(x->fd);
	return rc;
}

int socket_get(int fd, struct wg_device *out)
{
	struct exchange x = {
		.fd = fd,
		.reader = { .device = out, .scopes = &ipc_scopes },
		.budget = GET_REPLY_MAX,
	};
	int rc = exchange(&x, NULL);

	if (rc) {
		device_free(out);
		return rc;
	}
	if (out->flags & WG_DEVICE_HAS_PRIVATE_KEY) {
		x25519_public(&out->public_key, &out->private_key);
		out->flags |= WG_DEVICE_HAS_PUBLIC_KEY;
	}
	return 0;
}

int socket_set(int fd, const struct wg_device *patch)
{
	struct wg_device none = { 0 };
	struct exchange x = {
		.fd = fd,
		.reader = { .device = &none, .scopes = &ipc_scopes, .set_reply = true },
		.budget = SET_REPLY_MAX,
	};
	int rc;

	limit_silence(fd, SET_SILENCE_S);
	rc = exchange(&x, patch);
	device_free(&none);
	return rc;
}
