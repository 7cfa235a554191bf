/* Configuration sockets of daemons that died. Programs that use wgctrl-go fail for all interfaces if one socket of the
 * directory refuses connections. */
#ifndef DAEMON_STALE_SOCKETS_H
#define DAEMON_STALE_SOCKETS_H

/* Removes all of them from the directory; errors are ignored. */
void stale_sockets_remove(const char *dir);

#endif
