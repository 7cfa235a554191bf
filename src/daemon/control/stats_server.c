/* The socket of the statistics. */
#include "stats_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/process/clock.h"

enum { FIRST_BYTES = 16 << 10 };
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS) /* when the system has no descriptors or memory for another client */

void stats_server_init(struct stats_server *s)
{
	*s = (struct stats_server){ .accept_again_ns = NEVER };
	s->listener.fd = -1;
	for (size_t i = 0; i < STATS_CLIENTS_MAX; i++)
		s->clients[i].source.fd = -1;
}

int stats_server_open(struct stats_server *s, const char *dir, const char *name, struct text *why)
{
	int fd;

	stats_server_init(s);
	fd = socket_file_listen(&s->file, dir, 0700, name, ".stats", why);
	s->listener.fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

void stats_server_take_fd(struct stats_server *s, int fd, const char *dir, const char *name)
{
	stats_server_init(s);
	s->listener.fd = fd;
	socket_file_find(&s->file, dir, name, ".stats");
}

static void client_close(struct stats_client *c)
{
	char rest[1024];
	int fd = c->source.fd;

	loop_remove(c->server->loop, &c->source);
	/* Clients send no requests, but closing with unread bytes would look like an error to them. */
	(void)recv(fd, rest, sizeof rest, MSG_DONTWAIT);
	close(fd);
	free(c->text.p);
	c->text = (struct text){ 0 };
}

static bool text_grow(struct text *t, size_t more)
{
	size_t cap = t->cap < FIRST_BYTES ? FIRST_BYTES : t->cap * 2;
	char *p;

	while (cap - t->n <= more)
		cap *= 2;
	p = cap <= STATS_BYTES_MAX ? realloc(t->p, cap) : NULL;
	if (!p)
		return false;
	t->p = p;
	t->cap = cap;
	return true;
}

/* Sends the rest of the text, as far as possible without blocking. False: everything is sent, or the client is gone. */
static bool client_send(struct stats_client *c)
{
	while (c->sent < c->text.n) {
		ssize_t n = send(c->source.fd, c->text.p + c->sent, c->text.n - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
	}
	return false;
}

static void client_ready(struct loop_source *source, uint32_t events)
{
	struct stats_client *c = container_of(source, struct stats_client, source);

	if ((events & (EPOLLERR | EPOLLHUP)) || !client_send(c))
		client_close(c);
}

/* Closes the client that came first. False: no client is left. */
static bool evict_client(struct stats_server *s)
{
	struct stats_client *oldest = NULL;

	for (size_t i = 0; i < STATS_CLIENTS_MAX; i++) {
		struct stats_client *c = &s->clients[i];
		if (c->source.fd >= 0 && (!oldest || c->deadline_ns < oldest->deadline_ns))
			oldest = c;
	}
	if (oldest)
		client_close(oldest);
	return oldest != NULL;
}

static struct stats_client *client_slot(struct stats_server *s)
{
	for (;;) {
		for (size_t i = 0; i < STATS_CLIENTS_MAX; i++)
			if (s->clients[i].source.fd < 0)
				return &s->clients[i];
		evict_client(s);
	}
}

static void client_open(struct stats_server *s, int fd)
{
	struct stats_client *c = client_slot(s);

	*c = (struct stats_client){
		.source = { -1, client_ready }, .server = s, .text.make_space = text_grow,
		.deadline_ns = clock_boot_ns() + STATS_CLIENT_NS,
	};
	s->print(s->ctx, &c->text);
	if (c->text.failed || loop_add(s->loop, &c->source, fd, EPOLLOUT) != 0) {
		free(c->text.p);
		close(fd);
	} else if (!client_send(c)) {
		client_close(c);
	}
}

/* A connection that cannot be accepted stays in the queue, and the listener readable. */
static void accept_failed(struct stats_server *s, int error)
{
	if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
		return;
	if (evict_client(s))
		return; /* the next attempt has its descriptor */
	s->accept_again_ns = clock_boot_ns() + ACCEPT_PAUSE_NS;
	loop_change(s->loop, &s->listener, 0);
}

static void listener_ready(struct loop_source *l, uint32_t events)
{
	struct stats_server *s = container_of(l, struct stats_server, listener);
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		accept_failed(s, errno);
	else if (socket_peer_is_allowed(fd))
		client_open(s, fd);
	else
		close(fd);
}

int stats_server_start(struct stats_server *s, struct loop *l, void (*print)(void *ctx, struct text *out), void *ctx)
{
	s->loop = l;
	s->print = print;
	s->ctx = ctx;
	s->listener.ready = listener_ready;
	return loop_add(l, &s->listener, s->listener.fd, EPOLLIN);
}

void stats_server_close(struct stats_server *s)
{
	while (evict_client(s))
		;
	socket_file_remove(&s->file);
	if (s->listener.fd >= 0)
		close(s->listener.fd);
	s->listener.fd = -1;
}

void stats_server_leave(struct stats_server *s)
{
	while (evict_client(s))
		;
	s->file.path[0] = '\0';
}

uint64_t stats_server_deadline(const struct stats_server *s)
{
	uint64_t deadline = s->accept_again_ns;

	for (size_t i = 0; i < STATS_CLIENTS_MAX; i++)
		if (s->clients[i].source.fd >= 0 && s->clients[i].deadline_ns < deadline)
			deadline = s->clients[i].deadline_ns;
	return deadline;
}

void stats_server_tick(struct stats_server *s, uint64_t now_ns)
{
	if (s->accept_again_ns <= now_ns) {
		s->accept_again_ns = NEVER;
		loop_change(s->loop, &s->listener, EPOLLIN);
	}
	for (size_t i = 0; i < STATS_CLIENTS_MAX; i++)
		if (s->clients[i].source.fd >= 0 && s->clients[i].deadline_ns <= now_ns)
			client_close(&s->clients[i]);
}
