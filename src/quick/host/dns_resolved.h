/* DNS through systemd-resolved, over D-Bus or with resolvectl(1). */
#ifndef WG_QUICK_DNS_RESOLVED_H
#define WG_QUICK_DNS_RESOLVED_H

#include "quick/config/dns_config.h"

bool resolved_is_active(void);

/* 0, or -errno after reporting. */
must_check int resolved_set(uint32_t ifindex, const struct dns_config *d);
must_check int resolved_revert(uint32_t ifindex); /* 0: the link is gone, and its settings with it */

#endif
