/* The tunnel as memory and sockets, which another process takes: from the running process (takeover.h), or from the file
 * descriptor store of the service manager (fd_store.h). */
#ifndef DAEMON_TAKEOVER_TRANSFER_H
#define DAEMON_TAKEOVER_TRANSFER_H

#include "takeover_state.h"

struct control;

/* ---- the process that gives ---- */

struct takeover_export {
	int fds[TAKEOVER_FDS]; /* the memory, which is owned, and the sockets, which are not */
	unsigned int n_fds;
	void *memory;
	size_t bytes;
	bool is_exported; /* the sessions here have expired, even after an error */
};

/* Pauses the threads, and sends what they have read. */
void takeover_pause(struct control *c);
/* While they are paused. 0, and then takeover_export_close; or -errno. */
must_check int takeover_export(struct control *c, struct takeover_export *e);
/* taken: the memory was passed on, and the other process wipes it. */
void takeover_export_close(struct takeover_export *e, bool taken);

/* ---- the process that takes ---- */

/* Takes the state out of the memory, once, and wipes that. fds: n_fds, the memory first. 0, and *udp has the sockets, which the
 * tunnel does not use yet; or -errno, and all fds are closed. -ESTALE: a process had it already; -EXDEV: it is of another
 * network namespace; -EPROTO: of another version, or too old; -EBADMSG, -ENOMEM: the tunnel can only be freed. */
must_check int takeover_import(struct control *c, struct takeover_header *h, struct udp *udp, const int *fds,
			       unsigned int n_fds);
/* The tunnel begins to use them. Takes the sockets, or closes them after an error. 0 or -errno. */
must_check int takeover_begin(struct control *c, const struct takeover_header *h, struct udp *udp);

#endif
