/* The configuration socket, RUNSTATEDIR/wireguard/NAME.sock: the server of the cross-platform userspace
 * protocol (model/uapi.h), with many clients, each with many requests on one connection. Two handlers process
 * the requests; the server does not depend on the tunnel. */
#ifndef DAEMON_UAPI_SERVER_H
#define DAEMON_UAPI_SERVER_H

#include "daemon/process/loop.h"
#include "model/uapi.h"
#include "socket_file.h"

enum {
	UAPI_CLIENTS_MAX = 32, /* for another one, the client that was silent for longest is dropped */
	UAPI_INPUT_BYTES = 2 * UAPI_LINE_MAX,
};
#define UAPI_TAKEOVER "takeover=1\n\n" /* the only request of a connection that asks for a hand-over (takeover.h) */
#define UAPI_STALL_NS (30 * NS_PER_S) /* a client that does not read its reply for so long is dropped */

struct uapi_client { /* owned by the server */
	struct loop_source source; /* source.fd -1: this slot is free */
	struct uapi_server *server;
	struct uapi_request request;
	uint64_t active_ns;  /* when the client last sent a request or read from its reply */
	uint8_t *input;      /* UAPI_INPUT_BYTES; may hold keys */
	size_t input_n;
	struct text reply;   /* may hold keys */
	size_t reply_sent;
	bool ended;          /* the client will send no more */
};

struct uapi_handlers {
	void *ctx;
	int (*set)(void *ctx, const struct wg_device *patch); /* 0 or -errno */
	int (*get)(void *ctx, struct wg_device *state);       /* 0 or -ENOMEM; the server frees the state */
	const struct ip_scopes *scopes;
	/* Null: the server has no such requests. */
	int (*set_binding)(void *ctx, const struct wg_binding *b);  /* 0 or -errno */
	void (*get_binding)(void *ctx, struct wg_binding *b);
	/* The client asked to take over the tunnel; its connection now belongs to the handler. */
	void (*takeover)(void *ctx, int fd);
};

struct uapi_server { /* owned by control */
	struct loop_source listener, watcher;
	int dir_fd; /* of the folder, if SIGIO reports its changes instead of the watcher; else -1 */
	struct loop *loop;
	struct uapi_handlers handlers;
	struct socket_file file; /* path "": the socket was passed as a descriptor, and has no known file */
	uint64_t accept_again_ns; /* accepting pauses until then; NEVER: it does not */
	bool accept_failed;       /* and was reported */
	struct uapi_client clients[UAPI_CLIENTS_MAX];
	void (*removed)(void *ctx); /* called when the socket file is gone */
};

/* Creates the socket file, or takes a listening socket. 0, or -errno and the error as text in `why`. */
must_check int uapi_server_open(struct uapi_server *s, const char *dir, const char *name,
				struct text *why);
must_check int uapi_server_take_fd(struct uapi_server *s, int fd, const char *dir, const char *name,
				   struct text *why);
/* A socket that was taken shows its clients this process from now on (SO_PEERCRED), not the one that created it. */
void uapi_server_name_process(struct uapi_server *s);
/* Begins to accept clients, and to watch the socket file. 0 or -errno. */
must_check int uapi_server_start(struct uapi_server *s, struct loop *l, const struct uapi_handlers *handlers,
				 void (*removed)(void *ctx));
void uapi_server_close(struct uapi_server *s); /* unlinks the file, too, unless it was replaced */
/* The loop must not run afterwards. */
void uapi_server_stop_watching(struct uapi_server *s);
void uapi_server_leave(struct uapi_server *s); /* another process has the listener: the file stays when it is closed */

/* After SIGIO: calls `removed` if the socket file is gone. */
void uapi_server_check_file(struct uapi_server *s);
/* Renames the socket file after the link. */
void uapi_server_rename(struct uapi_server *s, const char *name);

/* When uapi_server_tick has a stalled client to drop; NEVER. */
uint64_t uapi_server_deadline(const struct uapi_server *s);
void uapi_server_tick(struct uapi_server *s, uint64_t now_ns);

#endif
