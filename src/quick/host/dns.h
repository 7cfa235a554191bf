/* Name servers of a tunnel: systemd-resolved, resolvconf (openresolv or Debian's), or the file. */
#ifndef WG_QUICK_DNS_H
#define WG_QUICK_DNS_H

#include "quick/config/settings.h"
#include "quick/plan/step.h"

/* What this host runs, or what the settings say; *prefix is what Debian's resolvconf wants before
 * the name. */
enum dns_backend dns_choose(const struct settings *set, char prefix[32]);

/* Does, or takes back, what the plan's wish says. `backup` is where the file back-end keeps what it
 * replaced. 0 or -errno after saying why. */
must_check int dns_apply(const struct plan *p, const struct step *s, uint32_t ifindex,
			 const char *backup);

/* ---- the back-ends ---- */
must_check int resolved_set(uint32_t ifindex, const struct dns_config *d);
must_check int resolved_revert(uint32_t ifindex);
bool resolved_is_active(void);
must_check int dns_file_set(const struct plan *p, const char *backup);
must_check int dns_file_restore(const struct plan *p, const char *backup);
extern const char *dns_file_path; /* "/etc/resolv.conf" */

#endif
