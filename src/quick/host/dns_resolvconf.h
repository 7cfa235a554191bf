/* DNS through resolvconf(8): openresolv's, or Debian's. */
#ifndef WG_QUICK_DNS_RESOLVCONF_H
#define WG_QUICK_DNS_RESOLVCONF_H

#include "quick/config/dns_config.h"

/* True when the host has a resolvconf; one that is systemd's resolvectl under another name does not count. *prefix
 * becomes the prefix that it requires before interface names, or "". */
bool resolvconf_is_installed(char prefix[32]);

/* `record` is the interface name with its prefix. 0, or -errno with the reason in *why. A program that takes longer than limit_s,
 * which may be 0: no limit, is killed. */
must_check int resolvconf_set(const char *record, const struct dns_config *d, unsigned int limit_s, struct text *why);
must_check int resolvconf_revert(const char *record, unsigned int limit_s, struct text *why);

#endif
