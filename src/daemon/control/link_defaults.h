/* The settings of a kernel WireGuard link, which a TUN lacks: no generated link-local address, no redirects, no queueing
 * discipline. */
#ifndef DAEMON_LINK_DEFAULTS_H
#define DAEMON_LINK_DEFAULTS_H

#include "link.h"

/* In the namespace of the link; after it moved or was brought up. proc: /proc/sys/net is that of the namespace. */
void link_defaults_apply(const struct link_state *now, bool proc);

#endif
