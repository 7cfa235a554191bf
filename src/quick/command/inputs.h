/* Inputs that the commands read before they plan: the tunnel file, the addresses of its endpoints, the host. */
#ifndef WG_QUICK_INPUTS_H
#define WG_QUICK_INPUTS_H

#include "quick/host/host.h"
#include "quick/host/inspect.h"
#include "quick/journal/journal_data.h"

/* Finds and reads the tunnel file; its name is then part of all messages. errors_only: warnings about the file are for
 * the user who brings the tunnel up. False after reporting. */
must_check bool read_tunnel_file(struct tunnel_file *f, const char *argument, bool errors_only);

/* Waits for the tunnel's lock and reads its journal. A damaged journal is a warning, and counts as none. 0, or -errno after
 * reporting: nothing may be done then. */
must_check int open_journal(struct journal *j, const char *name, const struct settings *set);

enum resolve_mode {
	RESOLVE_ONCE,      /* for commands that change nothing */
	RESOLVE_PATIENTLY, /* with wg(8)'s retries */
	RESOLVE_FOR_UP,    /* and a full tunnel needs an endpoint: without one, all traffic of the host would be lost */
};

/* Resolves the host names of endpoints. Peers whose names cannot be resolved now are reported and keep no endpoint: they
 * must not keep the tunnel down for the others. The state: that of RESOLVE_FOR_UP. 0, or -errno after reporting. */
must_check int resolve_endpoints(struct tunnel_file *f, const struct host_state *s, enum resolve_mode mode);
/* Takes endpoints, for peers that have a host name and no endpoint, from another device that has the same name resolved, or that
 * has no names. The number of them. */
size_t endpoints_take(struct wg_device *d, const struct wg_device *from);

/* Of --netns, which the file's does not count against; null: without the option. */
void set_netns(struct tunnel_file *f, const char *netns);
/* Refuses other keys that contradict it. 0, or -errno after reporting. */
must_check int check_netns(const struct tunnel_file *f);
/* The network namespace that the tunnel is in. If --netns gave it, it becomes that of the file. */
const char *netns_of_tunnel(struct tunnel_file *f, const struct journal *j);
/* Enters the network namespace of a tunnel, unless it has none (""). 0, or -errno after reporting. */
must_check int enter_netns(struct host *host, const char *netns);
/* host_inspect() with a message. 0, or -errno after reporting, as do the next three. */
must_check int inspect_host(struct host_state *s, struct host *host, const char *name);
/* Disregards the journal if another program has deleted the interface that it records, and created this one. */
void check_journal(struct journal *j, const struct host_state *s);
/* The MTU, the firewall tool, a free table: what plan_tunnel() needs beyond host_inspect() and resolved endpoints. */
must_check int inspect_for_plan(struct host_state *s, struct host *host, const struct tunnel_file *f,
				const struct journal *j);
/* A free table, whose number is the mark of the tunnel. */
must_check int inspect_table(struct host_state *s, struct host *host, const struct journal *j);
/* The DNS back-end and what it has. */
must_check int inspect_dns(struct host_state *s, struct host *host, const char *name);
/* The routes that plan_diff() compares; applied: null without a journal. After inspect_for_plan() and
 * the device. */
must_check int inspect_for_diff(struct host_state *s, struct host *host, const struct tunnel_file *f,
				const struct applied *applied);
/* The rules and the sysctl, which other default-route tunnels change. */
must_check int inspect_shared(struct host_state *s, struct host *host, const struct journal *j);

/* The lock of what default-route tunnels share; *lock is negative if the journal is unavailable. 0, or -errno after
 * reporting that it was not acquired in time. */
must_check int lock_shared(int *lock, const struct journal *j);

#endif
