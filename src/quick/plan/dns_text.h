/* The printed commands of a DNS step. */
#ifndef WG_QUICK_DNS_TEXT_H
#define WG_QUICK_DNS_TEXT_H

#include "step.h"

enum { RESOLV_CONF_PATH_MAX = 32 + NETNS_NAME_MAX };
/* /etc/resolv.conf, or the file that ip-netns(8) mounts over it in a namespace; "": none. */
void resolv_conf_print_path(struct text *t, const char *netns);
/* The command that writes the file. */
void dns_file_print_write(struct text *t, const char *path, struct span contents);
/* True when the servers answer for all domains, so that the link gets the default route for DNS: there
 * are servers, and no "~domain". */
bool dns_is_default_route(const struct dns_config *d);
void dns_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

#endif
