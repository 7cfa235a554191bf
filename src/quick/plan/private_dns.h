/* The files that name resolution in a private network namespace reads. */
#ifndef WG_QUICK_PRIVATE_DNS_H
#define WG_QUICK_PRIVATE_DNS_H

#include "quick/config/tunnel_file.h"

/* A resolv.conf(5) with the name servers of the tunnel file or, if it has none, with those of the host that are in the
 * allowed IPs of a peer. Returns the number of name servers. */
size_t private_resolv_conf_print(struct text *t, const struct tunnel_file *f, struct span host);

/* The host's nsswitch.conf(5), whose host names come from files and DNS only: other services ask programs that run outside. */
void private_nsswitch_print(struct text *t, struct span host);

#endif
