/* Restart by a service manager that keeps descriptors (process/service.h). While the daemon runs, the store has the TUN, the
 * listening sockets, and a memory file with the configuration (saved_config.h). With these, the next process continues after a
 * crash: interface, addresses and routes still exist, and it starts new handshakes. On SIGTERM, the daemon also stores the UDP
 * sockets and a memory file with its state, including sessions (takeover_transfer.h), so the next process needs no handshake.
 *
 * The state is used only once: the process that takes it sets a word in its memory before it sends anything. If that process
 * exits before its first packet, no state is left, and the next one starts new handshakes (tests/model/fd_store.pml). */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include "fd_store.h"

struct control;

/* Goes on as the process before, after control_start, and stores what it did not have. Closes what is left of t. 0; or -errno,
 * after which the next process goes on with new handshakes. */
must_check int restart_begin(struct control *c, struct fd_store_taken *t);
/* The same after a takeover from an interim process (takeover.h). */
void restart_continue(struct control *c, struct fd_store_taken *t);

/* The configuration was changed. Saves it at once, or, if that took long and not long ago, later. */
void restart_changed(struct control *c);
/* After every turn of the loop; and when to call it at the latest. */
void restart_tick(struct control *c, uint64_t now_ns);
uint64_t restart_deadline(const struct control *c);

/* The process ends: stores what the next one needs (keep), or removes everything from the store. */
void restart_end(struct control *c);

#endif
