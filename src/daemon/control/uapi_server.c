/* The configuration socket: its file, and the requests of its clients. */
#include "uapi_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"

#define ACCEPT_PAUSE_NS (100 * NS_PER_MS) /* when the system has no descriptors or memory for another client */

/* ---- the file ---- */

static void server_empty(struct uapi_server *s)
{
	memset(s, 0, sizeof *s);
	s->listener.fd = s->watcher.fd = s->dir_fd = -1;
	s->accept_again_ns = NEVER;
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		s->clients[i].source.fd = -1;
}

int uapi_server_open(struct uapi_server *s, const char *dir, const char *name, struct text *why)
{
	int fd;

	server_empty(s);
	fd = socket_file_listen(&s->file, dir, 0755, name, ".sock", why);
	s->listener.fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

/* An abstract address (unix(7)) belongs to no file: one at the usual path is another daemon's. */
static bool has_path(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t n = sizeof a;

	return getsockname(fd, (struct sockaddr *)&a, &n) == 0 && n > offsetof(struct sockaddr_un, sun_path) &&
	       a.sun_path[0] != '\0';
}

int uapi_server_take_fd(struct uapi_server *s, int fd, const char *dir, const char *name,
			struct text *why)
{
	int listens = 0;
	socklen_t n = sizeof listens;

	server_empty(s);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 || !listens) {
		text_f(why, "WG_UAPI_FD is not a listening socket: %s", strerror(EINVAL));
		return -EINVAL;
	}
	s->listener.fd = fd;
	if (has_path(fd))
		socket_file_find(&s->file, dir, name, ".sock");
	return 0;
}

void uapi_server_name_process(struct uapi_server *s)
{
	if (s->listener.fd >= 0)
		(void)!listen(s->listener.fd, SOCKET_BACKLOG);
}

void uapi_server_check_file(struct uapi_server *s)
{
	if (s->file.path[0] && !socket_file_is_ours(&s->file))
		s->removed(s->handlers.ctx);
}

static void watcher_ready(struct loop_source *w, uint32_t ready)
{
	struct uapi_server *s = container_of(w, struct uapi_server, watcher);
	char events[4096];

	(void)ready;
	while (read(w->fd, events, sizeof events) > 0)
		;
	uapi_server_check_file(s);
}

static int watch_file(struct uapi_server *s)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, s->file.dir, IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
					  IN_MOVE_SELF | IN_ONLYDIR) < 0)
		error = -errno;
	if (!error)
		error = loop_add(s->loop, &s->watcher, fd, EPOLLIN);
	if (error)
		close(fd);
	return error;
}

/* SIGIO instead of inotify, of which a user has 128 instances, and every daemon runs as root. */
static int watch_dir(struct uapi_server *s)
{
	s->dir_fd = open(s->file.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return -errno;
	return fcntl(s->dir_fd, F_NOTIFY, DN_DELETE | DN_RENAME | DN_CREATE | DN_MULTISHOT) == 0 ?
		       0 : -errno;
}

void uapi_server_rename(struct uapi_server *s, const char *name)
{
	socket_file_rename(&s->file, name);
}

/* ---- clients ---- */

static void client_ready(struct loop_source *source, uint32_t events);

static void reply_free(struct uapi_client *c)
{
	if (c->reply.p) {
		mem_wipe(c->reply.p, c->reply.cap);
		free(c->reply.p);
	}
	c->reply = (struct text){ 0 };
	c->reply_sent = 0;
}

/* Frees the slot and returns the connection. */
static int client_release(struct uapi_client *c)
{
	int fd = c->source.fd;

	if (fd < 0)
		return -1;
	loop_remove(c->server->loop, &c->source);
	uapi_request_reset(&c->request);
	reply_free(c);
	mem_wipe(c->input, UAPI_INPUT_BYTES);
	free(c->input);
	c->input = NULL;
	return fd;
}

static void client_close(struct uapi_client *c)
{
	int fd = client_release(c);

	if (fd >= 0)
		close(fd);
}

static bool reply_grow(struct text *t, size_t more)
{
	size_t cap = t->cap < 4096 ? 4096 : t->cap * 2;
	char *p;

	while (cap - t->n <= more)
		cap *= 2;
	p = malloc(cap); /* realloc would leave copies of keys behind */
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

/* Prints what a request returns. 0 or -errno. */
static int execute(struct uapi_client *c, struct wg_device *state)
{
	const struct uapi_handlers *handlers = &c->server->handlers;
	struct wg_binding binding;
	int error;

	switch (c->request.verb) {
	case UAPI_SET:
		return handlers->set(handlers->ctx, &c->request.patch);
	case UAPI_GET:
		error = handlers->get(handlers->ctx, state);
		if (!error)
			uapi_print_get(&c->reply, state, handlers->scopes);
		return error;
	case UAPI_SET_BINDING:
		return handlers->set_binding ? handlers->set_binding(handlers->ctx, &c->request.binding) : -EPROTO;
	case UAPI_GET_BINDING:
		if (!handlers->get_binding)
			return -EPROTO;
		handlers->get_binding(handlers->ctx, &binding);
		binding_print(&c->reply, &binding);
		return 0;
	case UAPI_NONE:
		break;
	}
	unreachable();
}

static void client_execute(struct uapi_client *c)
{
	struct wg_device state = { 0 };
	int error = c->request.error;

	reply_free(c);
	c->reply.make_space = reply_grow;
	if (!error)
		error = execute(c, &state);
	if (c->reply.failed) {
		error = -ENOMEM;
		reply_free(c);
		c->reply.make_space = reply_grow;
	}
	if (error || c->request.verb != UAPI_GET)
		uapi_print_errno(&c->reply, c->request.verb, error);
	device_free(&state);
	uapi_request_reset(&c->request);
	if (error)
		log_verbose("cannot execute a configuration request: %s", strerror(-error));
}

/* Sends the rest of the reply, as far as possible without blocking. False: the client is gone. */
static bool client_send(struct uapi_client *c)
{
	while (c->reply_sent < c->reply.n) {
		ssize_t n = send(c->source.fd, c->reply.p + c->reply_sent, c->reply.n - c->reply_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		c->reply_sent += (size_t)n;
		c->active_ns = clock_boot_ns();
	}
	reply_free(c);
	return true;
}

/* Executes the complete requests of the input, until the client does not take a reply at once. False: close. */
static bool client_process_input(struct uapi_client *c)
{
	struct span text = { (char *)c->input, c->input_n };

	while (c->reply.n == 0) {
		if (uapi_read_request(&c->request, &text) != 0)
			return false;
		if (!c->request.done)
			break;
		client_execute(c);
		if (c->reply.n == 0 || !client_send(c))
			return false;
	}
	if (text.n > 0)
		memmove(c->input, text.p, text.n);
	mem_wipe(c->input + text.n, c->input_n - text.n);
	c->input_n = text.n;
	return c->reply.n > 0 || (!c->ended && c->input_n < UAPI_INPUT_BYTES);
}

static bool wants_takeover(const struct uapi_client *c)
{
	return c->server->handlers.takeover && c->input_n == sizeof UAPI_TAKEOVER - 1 &&
	       memcmp(c->input, UAPI_TAKEOVER, sizeof UAPI_TAKEOVER - 1) == 0;
}

static void client_ready(struct loop_source *source, uint32_t events)
{
	struct uapi_client *c = container_of(source, struct uapi_client, source);
	bool keep = true, waiting = c->reply.n > 0;
	ssize_t n;

	c->active_ns = waiting ? c->active_ns : clock_boot_ns();
	if (waiting && (events & (EPOLLERR | EPOLLHUP))) {
		client_close(c);
		return;
	}
	if (waiting) {
		keep = client_send(c);
	} else {
		n = recv(source->fd, c->input + c->input_n, UAPI_INPUT_BYTES - c->input_n, MSG_DONTWAIT);
		c->ended = n == 0;
		c->input_n += n > 0 ? (size_t)n : 0;
		keep = n >= 0 || errno == EAGAIN || errno == EINTR;
	}
	if (keep && c->reply.n == 0 && wants_takeover(c)) {
		c->server->handlers.takeover(c->server->handlers.ctx, client_release(c));
		return;
	}
	if (keep && c->reply.n == 0)
		keep = client_process_input(c);
	if (!keep)
		client_close(c);
	else if (waiting != (c->reply.n > 0))
		loop_change(c->server->loop, source, c->reply.n > 0 ? EPOLLOUT : EPOLLIN);
}

/* Closes the client that was silent for longest; null: there are no clients. */
static struct uapi_client *evict_client(struct uapi_server *s)
{
	struct uapi_client *oldest = NULL;

	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		struct uapi_client *c = &s->clients[i];
		if (c->source.fd >= 0 && (!oldest || c->active_ns < oldest->active_ns))
			oldest = c;
	}
	if (oldest)
		client_close(oldest);
	return oldest;
}

static struct uapi_client *client_slot(struct uapi_server *s)
{
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		if (s->clients[i].source.fd < 0)
			return &s->clients[i];
	return evict_client(s);
}

static void client_open(struct uapi_server *s, int fd)
{
	struct uapi_client *c = client_slot(s);

	*c = (struct uapi_client){
		.source = { -1, client_ready },
		.server = s,
		.request.scopes = s->handlers.scopes,
		.active_ns = clock_boot_ns(),
		.input = malloc(UAPI_INPUT_BYTES),
	};
	if (!c->input || loop_add(s->loop, &c->source, fd, EPOLLIN) != 0) {
		free(c->input);
		close(fd);
	}
}

/* A connection that cannot be accepted stays in the queue, and the listener readable. */
static void accept_failed(struct uapi_server *s, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	if (evict_client(s))
		return; /* the next attempt has its descriptor */
	if (!s->accept_failed)
		log_error("cannot accept configuration requests: %s", strerror(error));
	s->accept_failed = true;
	s->accept_again_ns = clock_boot_ns() + ACCEPT_PAUSE_NS;
	loop_change(s->loop, &s->listener, 0);
}

static void accept_again(struct uapi_server *s)
{
	s->accept_again_ns = NEVER;
	loop_change(s->loop, &s->listener, EPOLLIN);
}

static void listener_ready(struct loop_source *l, uint32_t events)
{
	struct uapi_server *s = container_of(l, struct uapi_server, listener);
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0) {
		accept_failed(s, errno);
		return;
	}
	s->accept_failed = false;
	if (socket_peer_is_allowed(fd))
		client_open(s, fd);
	else
		close(fd);
}

/* ---- lifetime ---- */

int uapi_server_start(struct uapi_server *s, struct loop *l, const struct uapi_handlers *handlers,
		      void (*removed)(void *ctx))
{
	int fd = s->listener.fd, error;

	s->loop = l;
	s->handlers = *handlers;
	s->removed = removed;
	s->listener.ready = listener_ready;
	s->watcher.ready = watcher_ready;
	error = loop_add(l, &s->listener, fd, EPOLLIN);
	if (!error && s->file.path[0])
		error = watch_file(s);
	if (error == -EMFILE)
		error = watch_dir(s);
	return error;
}

void uapi_server_stop_watching(struct uapi_server *s)
{
	if (s->watcher.fd >= 0)
		close(s->watcher.fd);
	s->watcher.fd = -1;
}

void uapi_server_close(struct uapi_server *s)
{
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		client_close(&s->clients[i]);
	socket_file_remove(&s->file);
	uapi_server_stop_watching(s);
	if (s->listener.fd >= 0)
		close(s->listener.fd);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	s->listener.fd = s->dir_fd = -1;
}

void uapi_server_leave(struct uapi_server *s)
{
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		client_close(&s->clients[i]);
	s->file.path[0] = '\0';
}

uint64_t uapi_server_deadline(const struct uapi_server *s)
{
	uint64_t deadline = s->accept_again_ns;

	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		const struct uapi_client *c = &s->clients[i];
		if (c->source.fd >= 0 && c->reply.n > 0 && c->active_ns + UAPI_STALL_NS < deadline)
			deadline = c->active_ns + UAPI_STALL_NS;
	}
	return deadline;
}

void uapi_server_tick(struct uapi_server *s, uint64_t now_ns)
{
	if (s->accept_again_ns <= now_ns)
		accept_again(s);
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++) {
		struct uapi_client *c = &s->clients[i];
		if (c->source.fd >= 0 && c->reply.n > 0 && c->active_ns + UAPI_STALL_NS <= now_ns)
			client_close(c);
	}
}
