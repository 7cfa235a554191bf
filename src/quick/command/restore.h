/* Creates the missing interface of a tunnel again that is up according to its journal: its daemon died, or another program
 * deleted it. Runs in a child process of `wg-quick monitor`. */
#ifndef WG_QUICK_RESTORE_H
#define WG_QUICK_RESTORE_H

#include "command.h"

enum restore_status {
	RESTORE_DONE,
	RESTORE_NOT_NEEDED, /* the interface exists, and a daemon serves it */
	RESTORE_NOT_UP,     /* there is no complete journal: the tunnel was taken down */
	RESTORE_FAILED,     /* after reporting */
};
struct restore_request {
	const char *name;
	bool userspace; /* the interface was a daemon's */
	int hung_pid;   /* of the daemon, which does not answer: it is killed first; 0: it has ended */
	struct span endpoints; /* lines "KEY ENDPOINT": where peers with host names were last; may be empty */
};

/* Waits for the lock of the tunnel. Rules, unreachable default routes and the firewall have stayed; the interface, its
 * configuration, addresses, name servers and routes are made again in the order of `up`. No hooks run. */
enum restore_status restore_tunnel(const struct restore_request *q, struct host *host, struct command_trace *trace);

#endif
