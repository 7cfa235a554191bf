/* The socket of the statistics, RUNSTATEDIR/wgsuite/NAME.stats: each connection gets the text of one moment and is
 * closed. Nothing is read from clients, and their number, the text and the time they may take are bounded. */
#ifndef DAEMON_STATS_SERVER_H
#define DAEMON_STATS_SERVER_H

#include "daemon/process/loop.h"
#include "socket_file.h"

enum {
	STATS_CLIENTS_MAX = 8,         /* that have not read their text yet; for another one, the oldest is dropped */
	STATS_BYTES_MAX = 256 << 10,   /* of a text */
};
#define STATS_CLIENT_NS (5 * NS_PER_S) /* for reading the text */

struct stats_client { /* owned by the server */
	struct loop_source source; /* source.fd -1: this slot is free */
	struct stats_server *server;
	struct text text;
	size_t sent;
	uint64_t deadline_ns;
};

struct stats_server { /* owned by control */
	struct loop_source listener;
	struct loop *loop;
	struct socket_file file;
	void (*print)(void *ctx, struct text *out);
	void *ctx;
	uint64_t accept_again_ns; /* accepting pauses until then; NEVER: it does not */
	struct stats_client clients[STATS_CLIENTS_MAX];
};

void stats_server_init(struct stats_server *s); /* closed */
/* Creates the socket file. 0, or -errno and the error as text in `why`. */
must_check int stats_server_open(struct stats_server *s, const char *dir, const char *name, struct text *why);
/* A listening socket that another process has opened. */
void stats_server_take_fd(struct stats_server *s, int fd, const char *dir, const char *name);
/* Begins to accept clients, for which `print` appends the text. 0 or -errno. */
must_check int stats_server_start(struct stats_server *s, struct loop *l, void (*print)(void *ctx, struct text *out),
				  void *ctx);
void stats_server_close(struct stats_server *s); /* unlinks the file, too, unless it was replaced */
void stats_server_leave(struct stats_server *s); /* another process has the listener: the file stays when it is closed */

/* When stats_server_tick has something to do; NEVER. */
uint64_t stats_server_deadline(const struct stats_server *s);
void stats_server_tick(struct stats_server *s, uint64_t now_ns);

#endif
