/* The socket file, its life, and the conversations with its clients. */
#include "uapi_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"

enum { ENDING_MS = 500, ENDING_LOOK_MS = 5 };

/* ---- the file ---- */

static int why_errno(struct text *why, const char *what, const char *path, int error)
{
	text_f(why, "%s %s: %s", what, path, strerror(-error));
	return error;
}

static int make_dir(const char *dir, struct text *why)
{
	struct stat s;
	mode_t mask = umask(022);
	int error = mkdir(dir, 0755) == 0 || errno == EEXIST ? 0 : -errno;

	umask(mask);
	if (!error && lstat(dir, &s) != 0)
		error = -errno;
	if (!error && !S_ISDIR(s.st_mode))
		error = -ENOTDIR;
	if (error)
		return why_errno(why, "cannot use the folder", dir, error);
	if ((s.st_mode & S_IWOTH) && !(s.st_mode & S_ISVTX))
		log_error("%s: everybody may write here", dir);
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

/* A file at the path: removed if it is a socket without a listener, else an error. */
static int clear_once(const struct sockaddr_un *a, struct text *why)
{
	struct stat s;
	int fd, error;

	if (lstat(a->sun_path, &s) != 0)
		return errno == ENOENT ? 0 : why_errno(why, "cannot use", a->sun_path, -errno);
	if (!S_ISSOCK(s.st_mode)) {
		text_f(why, "%s exists and is no socket", a->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, "cannot make a socket for", a->sun_path, -errno);
	error = connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 ? 0 : -errno;
	close(fd);
	if (error == -ENOENT || (error == -ECONNREFUSED && unlink(a->sun_path) == 0))
		return 0;
	return -EADDRINUSE;
}

/* The link is ours already, so the daemon behind a socket that answers may well be ending: its socket goes a
 * moment after its link. */
static int clear_stale(const struct sockaddr_un *a, struct text *why)
{
	int error = clear_once(a, why);

	for (int i = 0; error == -EADDRINUSE && i < ENDING_MS / ENDING_LOOK_MS; i++) {
		(void)poll(NULL, 0, ENDING_LOOK_MS);
		error = clear_once(a, why);
	}
	if (error == -EADDRINUSE)
		text_f(why, "%s is in use", a->sun_path);
	return error;
}

static int remember_file(struct uapi_server *s)
{
	struct stat st;

	if (lstat(s->path, &st) != 0)
		return -errno;
	s->dev = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

static bool file_is_ours(const struct uapi_server *s)
{
	struct stat st;

	return s->path[0] && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->inode;
}

static bool set_path(struct uapi_server *s, const char *dir, const char *name)
{
	struct text d = text_fixed(s->dir, sizeof s->dir), p = text_fixed(s->path, sizeof s->path);

	text_add(&d, dir);
	text_f(&p, "%s/%s.sock", dir, name);
	return !d.failed && !p.failed;
}

static void server_empty(struct uapi_server *s)
{
	memset(s, 0, sizeof *s);
	s->listener.fd = s->watcher.fd = s->folder = -1;
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		s->clients[i].source.fd = -1;
}

int uapi_server_open(struct uapi_server *s, const char *dir, const char *name, struct text *why)
{
	struct sockaddr_un a;
	mode_t mask;
	int fd, error;

	server_empty(s);
	if (!set_path(s, dir, name) || !set_address(&a, s->path))
		return why_errno(why, "cannot use", dir, -ENAMETOOLONG);
	error = make_dir(dir, why);
	if (!error)
		error = clear_stale(&a, why);
	if (error) {
		s->path[0] = '\0'; /* not ours to unlink */
		return error;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177); /* from the first moment, nobody else may connect */
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || remember_file(s) != 0 ||
	    listen(fd, 64) != 0)
		error = why_errno(why, "cannot make the socket", s->path, -errno);
	umask(mask);
	s->listener.fd = fd;
	if (error)
		uapi_server_close(s);
	return error;
}

int uapi_server_take_fd(struct uapi_server *s, int fd, const char *dir, const char *name,
			struct text *why)
{
	int listens = 0;
	socklen_t n = sizeof listens;

	server_empty(s);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 || !listens)
		return why_errno(why, "WG_UAPI_FD", "is no listening socket", -EINVAL);
	s->listener.fd = fd;
	if (!set_path(s, dir, name) || remember_file(s) != 0)
		s->path[0] = '\0'; /* it lies somewhere else */
	return 0;
}

void uapi_server_look(struct uapi_server *s)
{
	if (s->path[0] && !file_is_ours(s))
		s->removed(s->calls.ctx);
}

static void watcher_ready(struct loop_source *w, uint32_t events)
{
	struct uapi_server *s = container_of(w, struct uapi_server, watcher);
	char news[4096];

	(void)events;
	while (read(w->fd, news, sizeof news) > 0)
		;
	uapi_server_look(s);
}

static int watch_file(struct uapi_server *s)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, s->dir, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
					  IN_MOVE_SELF | IN_ONLYDIR) < 0)
		error = -errno;
	if (!error)
		error = loop_add(s->loop, &s->watcher, fd, EPOLLIN);
	if (error)
		close(fd);
	return error;
}

/* A user has 128 inotify instances, and every daemon is root's: then SIGIO tells it. */
static int watch_folder(struct uapi_server *s)
{
	s->folder = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0)
		return -errno;
	return fcntl(s->folder, F_NOTIFY, DN_DELETE | DN_RENAME | DN_CREATE | DN_MULTISHOT) == 0 ?
		       0 : -errno;
}

void uapi_server_rename(struct uapi_server *s, const char *name)
{
	char path[sizeof s->path];
	struct text p = text_fixed(path, sizeof path);

	if (!s->path[0])
		return;
	text_f(&p, "%s/%s.sock", s->dir, name);
	if (p.failed || link(s->path, path) != 0) { /* never over another file */
		log_error("cannot rename the socket to %s: %s", path, strerror(errno));
		return;
	}
	(void)unlink(s->path);
	memcpy(s->path, path, sizeof path);
}

/* ---- clients ---- */

static void client_ready(struct loop_source *source, uint32_t events);

static void out_free(struct uapi_client *c)
{
	if (c->out.p) {
		mem_wipe(c->out.p, c->out.cap);
		free(c->out.p);
	}
	c->out = (struct text){ 0 };
	c->out_done = 0;
}

static void client_close(struct uapi_client *c)
{
	int fd = c->source.fd;

	if (fd < 0)
		return;
	loop_remove(c->server->loop, &c->source);
	close(fd);
	uapi_request_reset(&c->request);
	out_free(c);
	mem_wipe(c->in, UAPI_IN_ROOM);
	free(c->in);
	c->in = NULL;
}

static bool out_room(struct text *t, size_t more)
{
	size_t cap = t->cap < 4096 ? 4096 : t->cap * 2;
	char *p;

	while (cap - t->n <= more)
		cap *= 2;
	p = malloc(cap); /* not realloc: the old bytes may hold keys */
	if (!p)
		return false;
	if (t->p) {
		memcpy(p, t->p, t->n + 1);
		mem_wipe(t->p, t->cap);
		free(t->p);
	}
	t->p = p;
	t->cap = cap;
	return true;
}

static void client_answer(struct uapi_client *c)
{
	const struct uapi_calls *calls = &c->server->calls;
	struct wg_device state = { 0 };
	int error = c->request.error;

	out_free(c);
	c->out.room = out_room;
	if (!error && c->request.verb == UAPI_SET)
		error = calls->set(calls->ctx, &c->request.patch);
	else if (!error && c->request.verb == UAPI_GET)
		error = calls->get(calls->ctx, &state);
	if (!error && c->request.verb == UAPI_GET)
		uapi_print_get(&c->out, &state, calls->scopes);
	if (c->out.failed) {
		error = -ENOMEM;
		out_free(c);
		c->out.room = out_room;
	}
	if (error || c->request.verb != UAPI_GET)
		uapi_print_errno(&c->out, c->request.verb, error);
	device_free(&state);
	uapi_request_reset(&c->request);
	if (error)
		log_verbose("configuration refused: %s", strerror(-error));
}

/* Sends what there is. False: the client is gone. */
static bool client_send(struct uapi_client *c)
{
	while (c->out_done < c->out.n) {
		ssize_t n = send(c->source.fd, c->out.p + c->out_done, c->out.n - c->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		c->out_done += (size_t)n;
		c->active_ns = clock_boot_ns();
	}
	out_free(c);
	return true;
}

/* Takes requests out of what was read until an answer does not go out at once. False: close. */
static bool client_work(struct uapi_client *c)
{
	struct span text = { (char *)c->in, c->in_n };

	while (c->out.n == 0) {
		if (uapi_read_request(&c->request, &text) != 0)
			return false;
		if (!c->request.done)
			break;
		client_answer(c);
		if (c->out.n == 0 || !client_send(c))
			return false;
	}
	if (text.n > 0)
		memmove(c->in, text.p, text.n);
	mem_wipe(c->in + text.n, c->in_n - text.n);
	c->in_n = text.n;
	return c->out.n > 0 || (!c->ended && c->in_n < UAPI_IN_ROOM);
}

static void client_ready(struct loop_source *source, uint32_t events)
{
	struct uapi_client *c = container_of(source, struct uapi_client, source);
	bool go_on = true, waiting = c->out.n > 0;
	ssize_t n;

	c->active_ns = waiting ? c->active_ns : clock_boot_ns();
	if (waiting && (events & (EPOLLERR | EPOLLHUP))) {
		client_close(c);
		return;
	}
	if (waiting) {
		go_on = client_send(c);
	} else {
		n = recv(source->fd, c->in + c->in_n, UAPI_IN_ROOM - c->in_n, MSG_DONTWAIT);
		c->ended = n == 0;
		c->in_n += n > 0 ? (size_t)n : 0;
		go_on = n >= 0 || errno == EAGAIN || errno == EINTR;
	}
	if (go_on && c->out.n == 0)
		go_on = client_work(c);
	if (!go_on)
		client_close(c);
	else if (waiting != (c->out.n > 0))
		loop_change(c->server->loop, source, c->out.n > 0 ? EPOLLOUT : EPOLLIN);
}

/* A free place, if need be the one of the client that was silent for longest. */
static struct uapi_client *client_place(struct uapi_server *s)
{
	struct uapi_client *oldest = &s->clients[0];

	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		if (s->clients[i].source.fd < 0)
			return &s->clients[i];
		if (s->clients[i].active_ns < oldest->active_ns)
			oldest = &s->clients[i];
	}
	client_close(oldest);
	return oldest;
}

/* Only root and the daemon's own user configure it, whatever the file's mode became. */
static bool peer_may(int fd)
{
	struct ucred who;
	socklen_t n = sizeof who;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void client_open(struct uapi_server *s, int fd)
{
	struct uapi_client *c = client_place(s);

	*c = (struct uapi_client){
		.source = { -1, client_ready },
		.server = s,
		.request.scopes = s->calls.scopes,
		.active_ns = clock_boot_ns(),
		.in = malloc(UAPI_IN_ROOM),
	};
	if (!c->in || loop_add(s->loop, &c->source, fd, EPOLLIN) != 0) {
		free(c->in);
		close(fd);
	}
}

static void listener_ready(struct loop_source *l, uint32_t events)
{
	struct uapi_server *s = container_of(l, struct uapi_server, listener);
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (peer_may(fd))
		client_open(s, fd);
	else
		close(fd);
}

/* ---- life ---- */

int uapi_server_start(struct uapi_server *s, struct loop *l, const struct uapi_calls *calls,
		      void (*removed)(void *ctx))
{
	int fd = s->listener.fd, error;

	s->loop = l;
	s->calls = *calls;
	s->removed = removed;
	s->listener.ready = listener_ready;
	s->watcher.ready = watcher_ready;
	error = loop_add(l, &s->listener, fd, EPOLLIN);
	if (!error && s->path[0])
		error = watch_file(s);
	if (error == -EMFILE)
		error = watch_folder(s);
	return error;
}

void uapi_server_close(struct uapi_server *s)
{
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		client_close(&s->clients[i]);
	if (file_is_ours(s))
		(void)unlink(s->path);
	if (s->watcher.fd >= 0)
		close(s->watcher.fd);
	if (s->listener.fd >= 0)
		close(s->listener.fd);
	if (s->folder >= 0)
		close(s->folder);
	s->watcher.fd = s->listener.fd = s->folder = -1;
}

uint64_t uapi_server_deadline(const struct uapi_server *s)
{
	uint64_t first = NEVER;

	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		const struct uapi_client *c = &s->clients[i];
		if (c->source.fd >= 0 && c->out.n > 0 && c->active_ns + UAPI_STALL_NS < first)
			first = c->active_ns + UAPI_STALL_NS;
	}
	return first;
}

void uapi_server_tick(struct uapi_server *s, uint64_t now_ns)
{
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		struct uapi_client *c = &s->clients[i];
		if (c->source.fd >= 0 && c->out.n > 0 && c->active_ns + UAPI_STALL_NS <= now_ns)
			client_close(c);
	}
}
