/* The service manager that started the daemon (systemd): notifications, and its file descriptor store, which keeps
 * descriptors for the next process (sd_notify(3), sd_listen_fds(3)). */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <sys/socket.h>
#include <sys/un.h>
#include "base/base.h"

struct service { /* zeroed is not open; constant */
	bool is_open;
	int fd;
	struct sockaddr_un address; /* of NOTIFY_SOCKET */
	socklen_t address_n;
};

/* False: no service manager has set NOTIFY_SOCKET, or it cannot be used, which is logged. */
must_check bool service_open(struct service *s);
void service_close(struct service *s);
void service_notify_ready(const struct service *s); /* no effect if it is not open */

/* Keeps a duplicate of the descriptor until service_forget, or until the service is stopped. 0 or -errno; 0 does not mean that
 * the manager had space for it. */
must_check int service_store(const struct service *s, const char *name, int fd);
void service_forget(const struct service *s, const char *name); /* all descriptors of this name */
/* Waits until the manager has processed everything before. 0 or -errno. */
must_check int service_wait(const struct service *s);

enum { SERVICE_NAME_BYTES = 32 };
struct service_fd {
	int fd;
	char name[SERVICE_NAME_BYTES]; /* a longer one is cut */
};
/* The descriptors that the manager passed, close-on-exec and non-blocking: at most max, others are closed. Call it once, before
 * descriptors are opened. */
unsigned int service_take_fds(struct service_fd *out, unsigned int max);

#endif
