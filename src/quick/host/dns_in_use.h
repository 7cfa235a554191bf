/* Which name servers programs on this host use now. */
#ifndef WG_QUICK_DNS_IN_USE_H
#define WG_QUICK_DNS_IN_USE_H

#include "base/vector.h"

/* Appends the name servers of /etc/resolv.conf. 0 or -errno. */
must_check int dns_in_use_resolv_conf(struct string_list *out);
/* Appends those that systemd-resolved has for this link. 0 or -errno: it cannot be asked. */
must_check int dns_in_use_resolved(struct string_list *out, const char *link);

#endif
