/* The configuration socket: RUNSTATEDIR/wireguard/NAME.sock, many clients, many operations on each
 * connection. What is asked goes to two functions; nothing here knows about tunnels. */
#ifndef DAEMON_UAPI_SERVER_H
#define DAEMON_UAPI_SERVER_H

#include <sys/types.h>
#include "model/uapi.h"
#include "daemon/process/loop.h"

enum {
	UAPI_CLIENTS_MAX = 32, /* one more, and the one that was silent for longest is dropped */
	UAPI_IN_ROOM = 2 * UAPI_LINE_MAX,
};
#define UAPI_STALL_NS (30 * NS_PER_S) /* a client that does not read its answer for so long is dropped */

struct uapi_client {
	struct loop_source source; /* source.fd -1: this place is free */
	struct uapi_server *server;
	struct uapi_request request;
	uint64_t active_ns;
	uint8_t *in;     /* UAPI_IN_ROOM */
	size_t in_n;
	struct text out; /* the answer, sent up to out_done */
	size_t out_done;
	bool ended;      /* the client will send no more */
};

struct uapi_calls {
	void *ctx;
	int (*set)(void *ctx, const struct wg_device *patch); /* 0 or -errno */
	int (*get)(void *ctx, struct wg_device *state);       /* 0 or -ENOMEM; freed by the server */
	const struct ip_scopes *scopes;
};

struct uapi_server {
	struct loop_source listener, watcher;
	int folder; /* watched for us where there is no watcher; else -1 */
	struct loop *loop;
	struct uapi_calls calls;
	char dir[80], path[108]; /* "" when the socket was handed over */
	dev_t dev;
	ino_t inode; /* of the socket file */
	struct uapi_client clients[UAPI_CLIENTS_MAX];
	void (*removed)(void *ctx); /* the socket file is gone */
};

/* Makes the socket file. An error is reported in `why` as text. 0 or -errno. */
must_check int uapi_server_open(struct uapi_server *s, const char *dir, const char *name,
				struct text *why);
/* Or takes over a listening socket. */
must_check int uapi_server_take_fd(struct uapi_server *s, int fd, const char *dir, const char *name,
				   struct text *why);
must_check int uapi_server_start(struct uapi_server *s, struct loop *l, const struct uapi_calls *calls,
				 void (*removed)(void *ctx));
void uapi_server_close(struct uapi_server *s); /* and unlinks the file if it is still ours */

/* SIGIO came: is the socket file still there? */
void uapi_server_look(struct uapi_server *s);

/* The link has a new name, and the socket gets it, too. */
void uapi_server_rename(struct uapi_server *s, const char *name);

uint64_t uapi_server_deadline(const struct uapi_server *s);
void uapi_server_tick(struct uapi_server *s, uint64_t now_ns);

#endif
