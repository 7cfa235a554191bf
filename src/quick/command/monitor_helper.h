/* Work that the monitor delegates to its helper process: requests as text, and their output. */
#ifndef WG_QUICK_MONITOR_HELPER_H
#define WG_QUICK_MONITOR_HELPER_H

#include "monitor.h"
#include "quick/host/helper_process.h"

/* The helper of this monitor. */
extern struct helper monitor_helper;

/* Starts it, once. 0, or -errno after reporting. */
must_check int monitor_helper_start(struct monitor *m);
void monitor_helper_stop(void);

struct peer_endpoint {
	const struct wg_public *key;
	const struct ip_endpoint *endpoint;
	const char *list; /* as the file has it, of which this is one */
};

/* The requests. Each returns 0 or -errno, as helper_call(); the status is 0 for success, unless something else is said. */

/* An enum restore_status. hung_pid: of the daemon that does not answer, or 0. endpoints: see endpoints_print(). */
must_check int helper_restore(struct helper_call *c, const char *name, bool userspace, int hung_pid, struct span endpoints);
/* "CHOICE HAS-ROUTE ENDPOINT" for each address of each endpoint of a list, for packets of this tunnel with this mark. */
must_check int helper_look_up(struct helper_call *c, uint32_t mark, const char *name, const char *list);
/* "KEY HANDSHAKE-MS RX TX KEEPALIVE MARK HAS-ROUTE ENDPOINT" for each peer whose endpoint in the journal is a name or a list; "-": none. */
must_check int helper_see(struct helper_call *c, const char *name);
/* Sets the endpoint of a peer, unless the journal has another endpoint or list of it by now; replace: the peer is removed and added
 * again, so that its next packet begins a handshake. */
must_check int helper_set_endpoint(struct helper_call *c, const char *name, const struct peer_endpoint *to, bool replace);
/* A handshake from another socket. */
must_check int helper_probe(struct helper_call *c, const char *name, const struct peer_endpoint *to);

/* Lets wg-quick-health@NAME.service fail, or resets those of a list of names. */
must_check int helper_set_unit(struct helper_call *c, bool failed, const char *names);

/* Appends "KEY ENDPOINT" for each peer of the tunnel whose endpoint is a name or a list, and is known: where it was seen last. */
void endpoints_print(const struct monitored_tunnel *t, struct text *out);

/* Whether an endpoint of a file needs to be watched: a name, or a list. */
bool endpoint_is_watched(struct span endpoint);

#endif
