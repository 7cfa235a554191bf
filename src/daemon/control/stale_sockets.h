/* Sockets of daemons that died. Programs that use wgctrl-go fail for all interfaces if one configuration
 * socket of the directory refuses connections. */
#ifndef DAEMON_STALE_SOCKETS_H
#define DAEMON_STALE_SOCKETS_H

/* Removes those whose names end with the suffix from the directory; errors are ignored. */
void stale_sockets_remove(const char *dir, const char *suffix);

#endif
