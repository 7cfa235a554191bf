/* Socket files. */
#include "socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/process/log.h"
#include "stale_sockets.h"

enum { END_WAIT_MS = 5000, LOCK_WAIT_MS = 1000, POLL_MS = 10, TRIES = 10 };

static int why_errno(struct text *why, const char *what, const char *path, int error)
{
	text_f(why, "%s %s: %s", what, path, strerror(-error));
	return error;
}

static int make_dir(const char *dir, mode_t mode, struct text *why)
{
	struct stat s;
	mode_t mask = umask(022);
	int error = mkdir(dir, mode) == 0 || errno == EEXIST ? 0 : -errno;

	umask(mask);
	if (!error && lstat(dir, &s) != 0)
		error = -errno;
	if (!error && !S_ISDIR(s.st_mode))
		error = -ENOTDIR;
	if (error)
		return why_errno(why, "cannot use the directory", dir, error);
	if ((s.st_mode & S_IWOTH) && !(s.st_mode & S_ISVTX))
		log_error("warning: %s is writable by every user", dir);
	return 0;
}

static bool set_address(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof a->sun_path)
		return false;
	strcpy(a->sun_path, path);
	return true;
}

/* A process that removes a socket because it refuses connections holds this lock on the folder (src/ipc/socket.c), and a daemon holds
 * it until it listens. Any user can take it, so no wait is long; without it, a socket that is removed meanwhile is created again. */
static void lock(int dir_fd)
{
	for (int i = 0; flock(dir_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK && i < LOCK_WAIT_MS / POLL_MS; i++)
		(void)poll(NULL, 0, POLL_MS);
}

/* Removes a socket without a listener from the path. Any other file there is an error. */
static int remove_stale_once(const struct sockaddr_un *a, struct text *why)
{
	struct stat s;
	int fd, error;

	if (lstat(a->sun_path, &s) != 0)
		return errno == ENOENT ? 0 : why_errno(why, "cannot use", a->sun_path, -errno);
	if (!S_ISSOCK(s.st_mode)) {
		text_f(why, "%s exists and is not a socket", a->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, "cannot create a socket for", a->sun_path, -errno);
	error = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 ? 0 : -errno;
	close(fd);
	if (error == -ENOENT || (error == -ECONNREFUSED && unlink(a->sun_path) == 0))
		return 0;
	return -EADDRINUSE;
}

/* This daemon has the link already. If another one answers on the socket, it is probably ending: it removes its
 * socket after its link, for whose end the kernel may take a second on a busy machine. */
static int remove_stale(int dir_fd, const struct sockaddr_un *a, struct text *why)
{
	int error = remove_stale_once(a, why);

	for (int i = 0; error == -EADDRINUSE && i < END_WAIT_MS / POLL_MS; i++) {
		(void)flock(dir_fd, LOCK_UN);
		(void)poll(NULL, 0, POLL_MS);
		lock(dir_fd);
		error = remove_stale_once(a, why);
	}
	if (error == -EADDRINUSE)
		text_f(why, "%s is in use", a->sun_path);
	return error;
}

static bool remember(struct socket_file *f)
{
	struct stat st;

	if (lstat(f->path, &st) != 0)
		return false;
	f->dev = st.st_dev;
	f->inode = st.st_ino;
	return true;
}

bool socket_file_is_ours(const struct socket_file *f)
{
	struct stat st;

	return f->path[0] && lstat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->inode;
}

static bool set_path(struct socket_file *f, const char *dir, const char *name, const char *suffix)
{
	struct text d = text_fixed(f->dir, sizeof f->dir), p = text_fixed(f->path, sizeof f->path);

	f->suffix = suffix;
	text_add(&d, dir);
	text_f(&p, "%s/%s%s", dir, name, suffix);
	return !d.failed && !p.failed;
}

static int listen_once(struct socket_file *f, const struct sockaddr_un *a)
{
	mode_t mask = umask(0177); /* other users can never connect, not even for a moment */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)a, sizeof *a) != 0 || !remember(f) ||
	    listen(fd, SOCKET_BACKLOG) != 0)
		error = -errno;
	umask(mask);
	if (!error && !socket_file_is_ours(f))
		error = -ENOENT;
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

/* A client that does not use the lock, and connects between bind(2) and listen(2), takes the socket for that of a dead daemon, and
 * removes it: then it is created again. */
static int listen_at(struct socket_file *f, const struct sockaddr_un *a)
{
	int fd = listen_once(f, a);

	for (int i = 1; fd == -ENOENT && i < TRIES; i++)
		fd = listen_once(f, a);
	return fd;
}

static int listen_locked(struct socket_file *f, const struct sockaddr_un *a, int dir_fd, struct text *why)
{
	int error = remove_stale(dir_fd, a, why), fd;

	if (error) {
		f->path[0] = '\0'; /* the file belongs to another process */
		return error;
	}
	stale_sockets_remove(f->dir, f->suffix);
	fd = listen_at(f, a);
	if (fd >= 0)
		return fd;
	error = why_errno(why, "cannot create the socket", f->path, fd);
	socket_file_remove(f);
	return error;
}

int socket_file_listen(struct socket_file *f, const char *dir, mode_t mode, const char *name, const char *suffix,
		       struct text *why)
{
	struct sockaddr_un a;
	int dir_fd, fd, error;

	*f = (struct socket_file){ .suffix = suffix };
	if (!set_path(f, dir, name, suffix) || !set_address(&a, f->path)) {
		f->path[0] = '\0';
		return why_errno(why, "cannot use", dir, -ENAMETOOLONG);
	}
	error = make_dir(dir, mode, why);
	if (error) {
		f->path[0] = '\0';
		return error;
	}
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lock(dir_fd);
	fd = listen_locked(f, &a, dir_fd, why);
	if (dir_fd >= 0)
		close(dir_fd);
	return fd;
}

void socket_file_find(struct socket_file *f, const char *dir, const char *name, const char *suffix)
{
	if (!set_path(f, dir, name, suffix) || !remember(f))
		f->path[0] = '\0';
}

void socket_file_rename(struct socket_file *f, const char *name)
{
	char path[sizeof f->path];
	struct text p = text_fixed(path, sizeof path);

	if (!f->path[0])
		return;
	text_f(&p, "%s/%s%s", f->dir, name, f->suffix);
	if (p.failed || link(f->path, path) != 0) { /* link(2) never replaces a file */
		log_error("cannot rename the socket to %s: %s", path, strerror(errno));
		return;
	}
	(void)unlink(f->path);
	memcpy(f->path, path, sizeof path);
}

void socket_file_remove(struct socket_file *f)
{
	if (socket_file_is_ours(f))
		(void)unlink(f->path);
	f->path[0] = '\0';
}

bool socket_peer_is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}
