/* Sets and reverts the name servers and search domains of a tunnel, by the back-end that suits the host. */
#ifndef WG_QUICK_DNS_H
#define WG_QUICK_DNS_H

#include "quick/config/settings.h"
#include "quick/plan/step.h"

/* The back-end that wgsuite.ini sets, else the one this host uses. *prefix becomes the prefix that Debian's resolvconf
 * requires before the interface name, or "". */
enum dns_backend dns_choose(const struct settings *set, char prefix[32]);

/* Performs a DNS step of the plan. The file back-end saves the file that it replaces at the path `backup`. 0, or
 * -errno after reporting. */
must_check int dns_apply(const struct plan *p, const struct step *s, uint32_t ifindex,
			 const char *backup);

#endif
