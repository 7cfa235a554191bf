/* The control thread of the daemon: one tunnel with its event loop. It processes handshakes, timers, events of
 * the link and of routes, and the configuration that arrives on the UAPI socket; it makes all changes to the
 * tunnel. */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "state.h"

/* The tunnel, down and without peers, and its loop; nothing else is open. threads: data threads; 0: the control
 * thread moves packets, too. 0 or -errno; control_free in either case. */
must_check int control_init(struct control *c, unsigned int disabled_offloads, unsigned int threads);
/* Watches the link and serves the UAPI socket; both must be open. signal_fd: signalfd(2). 0 or -errno. Then
 * interface_follow_link, or takeover_finish. */
must_check int control_start(struct control *c, int signal_fd);
/* Runs until the link is deleted, the socket file is removed, a terminating signal arrives, or memory runs out. */
void control_run(struct control *c);
void control_free(struct control *c);

#endif
