/* The file of a listening UNIX socket, DIR/NAME.SUFFIX: created so that only root can connect, replaced if it is stale,
 * renamed with the interface, and removed at the end unless it was replaced. */
#ifndef DAEMON_SOCKET_FILE_H
#define DAEMON_SOCKET_FILE_H

#include <sys/types.h>
#include "base/text.h"

enum { SOCKET_BACKLOG = 64 };

struct socket_file { /* zeroed: none */
	char dir[80], path[108]; /* path "": no known file */
	const char *suffix;      /* ".sock"; static */
	dev_t dev;
	ino_t inode;
};

/* Creates the folder with this mode, the file, and a socket that listens there. Removes the stale sockets of the folder.
 * Its descriptor, or -errno and the error as text in `why`. */
must_check int socket_file_listen(struct socket_file *f, const char *dir, mode_t mode, const char *name,
				  const char *suffix, struct text *why);
/* The file of a socket that exists already; none if it has another name. */
void socket_file_find(struct socket_file *f, const char *dir, const char *name, const char *suffix);
bool socket_file_is_ours(const struct socket_file *f); /* false: removed, or replaced by another one */
void socket_file_rename(struct socket_file *f, const char *name);
void socket_file_remove(struct socket_file *f); /* if it is ours */

/* Whether the client is root or the user of the daemon, even if the mode of the file was changed. */
bool socket_peer_is_allowed(int fd);

#endif
