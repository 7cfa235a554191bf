/* Userspace daemons that serve an interface. */
#ifndef WG_QUICK_DAEMON_H
#define WG_QUICK_DAEMON_H

/* Waits, up to half a second, until the daemon of a deleted interface has exited, and removes the socket of one that
 * did not clean up: a following `up` must find neither. */
void daemon_wait_exit(const char *name);

#endif
