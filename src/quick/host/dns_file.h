/* DNS by replacing /etc/resolv.conf, for hosts where no program manages it. */
#ifndef WG_QUICK_DNS_FILE_H
#define WG_QUICK_DNS_FILE_H

#include "quick/config/dns_config.h"

/* Tunnels may be brought up and down in any order: when the last one is down, the file is what it was before the first.
 * `backup` is where this tunnel saves the file that it replaces, in the folder where the other tunnels save theirs.
 * 0, or -errno after reporting. */
must_check int dns_file_set(const char *name, const struct dns_config *d, const char *backup);
must_check int dns_file_restore(const char *name, const struct dns_config *d, const char *backup);

#endif
