/* Restart without interruption: a new process takes over the tunnel of the running one, with its descriptors and sessions.
 *
 *   new      connects to the configuration socket and sends UAPI_TAKEOVER
 *   running  offer: version, network namespace; TUN, listening sockets          goes on as before
 *   new      opens all else that it needs, starts its threads
 *            'f'
 *   running  stops its threads, exports the state, expires its own sessions
 *            's': the memory with the state, UDP sockets
 *   new      claims the state, imports it, wipes it
 *            'r'
 *   running  'g', and ends
 *   new      reads the TUN and the sockets
 *
 * An interim process serves the tunnel between two processes of a service (restart.h). It sends 'i' instead of 'f'. Before 'g', the
 * running process puts its end of the connection into the file descriptor store, from which the next process of the service gets
 * it, and takes over the tunnel in the same way, from UAPI_TAKEOVER on. If the connection ends otherwise, so does the
 * interim process, and with it the interface, unless the store has that.
 *
 * Rules, which tests/model/takeover.pml checks for every interleaving and every crash: once a state is exported, the process
 * it is from never sends with its sessions again; a state is imported once; and it is used only after 'g'. Until 'g' is sent,
 * every failure leaves the running process in charge; if the state was exported, then with new handshakes. */
#ifndef DAEMON_TAKEOVER_H
#define DAEMON_TAKEOVER_H

#include "base/text.h"
#include "daemon/io/tun.h"

struct control;

/* ---- the running process ---- */

void takeover_init(struct control *c); /* c->takeover_source: no connection */
/* This is an interim process: takes the connection to the one that gave it the tunnel. 0 or -errno. */
must_check int takeover_hold(struct control *c, int fd);
/* A handler of the UAPI server; ctx: struct control. Takes the connection. */
void takeover_requested(void *ctx, int fd);
void takeover_close(struct control *c);

/* ---- the new process ---- */

struct takeover_client { /* fds -1: none */
	int fd; /* the connection */
	bool is_interim; /* this process */
	int tun[TUN_QUEUES_MAX]; /* its queues */
	int uapi, stats;
	struct tun_settings settings; /* of the TUN */
};
/* Gets the TUN and the listening sockets of the running daemon; it goes on meanwhile. 0, or -errno and the error in
 * `why`. */
must_check int takeover_connect(struct takeover_client *t, const char *socket_dir, const char *interface,
				struct text *why);
/* The same with an interim process. Takes the connection. */
must_check int takeover_continue(struct takeover_client *t, int fd, struct text *why);
/* Everything else is ready, and the threads run: takes the tunnel. 0; or an error, after which the process must end; the
 * other one goes on then. */
must_check int takeover_finish(struct takeover_client *t, struct control *c, struct text *why);

#endif
