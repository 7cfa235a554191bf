/* The network namespace of a tunnel with the key Netns. This process is inside while it works on the interface; its child
 * processes (hooks, daemons) always run outside, and names of endpoints are looked up outside. */
#ifndef WG_QUICK_NETNS_PLACE_H
#define WG_QUICK_NETNS_PLACE_H

#include "host.h"
#include "entered_netns.h"
#include "report/trace.h"

/* A namespace with this name exists. */
bool netns_exists(const char *name);
/* Enters it: host->rtnetlink, host->ipc and /etc/netns/NAME/resolv.conf are then of this namespace, host->outer is the connection of
 * the one outside. 0 or -errno; -ENOENT: it does not exist. Nothing if this process is inside already. */
must_check int netns_enter(struct host *host, const char *name);
void netns_leave(struct host *host);
/* The connection of the namespace outside. To be used between netns_outside_begin() and netns_outside_end(): after an error it is
 * opened again where this process is. */
struct rtnetlink *netns_outer(struct host *host);

/* Creates the namespace as ip-netns(8) does, and brings its loopback interface up. 0 or -errno. */
must_check int netns_create(const char *name);
/* Deletes it, if netns_create() made it, no process is in it, and it has no interfaces but its own. Appends the command to the
 * trace. 0 or -errno. */
must_check int netns_release(const char *name, struct command_trace *trace);

#endif
