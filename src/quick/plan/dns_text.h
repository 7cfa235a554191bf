/* The text of a DNS step: input of resolvconf, contents of /etc/resolv.conf, and the printed commands. */
#ifndef WG_QUICK_DNS_TEXT_H
#define WG_QUICK_DNS_TEXT_H

#include "step.h"

/* "nameserver" lines and a "search" line, as resolvconf(8) reads them. */
void dns_resolvconf_text(struct text *t, const struct dns_config *d);
/* The contents of resolv.conf while the tunnel is up. `before` is the file it replaces: its options stay,
 * and its name servers where the tunnel sets only search domains. */
void dns_file_text(struct text *t, const struct dns_config *d, struct span before, const char *name);
/* True when the servers answer for all domains, so that the link gets the default route for DNS: there
 * are servers, and no "~domain". */
bool dns_is_default_route(const struct dns_config *d);
void dns_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

#endif
