/* Sets and reverts the name servers and search domains of a tunnel, by the back-end that suits the host. */
#ifndef WG_QUICK_DNS_H
#define WG_QUICK_DNS_H

#include "dns_file.h"
#include "quick/config/settings.h"
#include "quick/plan/step.h"

/* The back-end that wgsuite.ini sets, else the one of the program that manages /etc/resolv.conf. *prefix becomes the
 * prefix that Debian's resolvconf requires before the interface name, or "". */
enum dns_backend dns_choose(const struct settings *set, const struct resolv_conf *now, char prefix[32]);

/* Performs a DNS step of the plan. `file`: the tunnel, for the file back-end, which also prints what it does. 0, or -errno
 * with the reason in *why. */
must_check int dns_apply(const struct plan *p, const struct step *s, const struct dns_file *file, const struct settings *set,
			 struct text *why);

#endif
