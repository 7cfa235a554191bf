/* The firewall rules of a default route in iptables: those with the comment "wg-quick(8) rule for NAME". They may have been
 * added with iptables-nft or iptables-legacy, whichever is called iptables now. Functions that return int return 0 or
 * -errno, with the reason in why[]. */
#ifndef WG_QUICK_FIREWALL_IPTABLES_H
#define WG_QUICK_FIREWALL_IPTABLES_H

#include "base/vector.h"
#include "quick/plan/step.h"

bool iptables_is_installed(void);

/* trace receives the commands, and may be null. */

/* Replaces the rules of this family. The caller has traced the command. -EBUSY: the lock of iptables was not released in
 * time. */
must_check int firewall_iptables_set(const struct plan *p, const struct step *s, struct text *trace, char why[256]);
/* Removes the rules. traced: the caller has traced the command for `iptables` itself. */
must_check int firewall_iptables_remove(const char *name, uint8_t family, bool traced, struct text *trace, char why[256]);
/* Appends the rules, as iptables-save prints them. */
must_check int firewall_iptables_list(const char *name, uint8_t family, struct text *out);
/* Adds the names of the interfaces that have rules of any variant. 0, also where there are no such programs, or
 * -errno, not for a variant that the kernel does not support. */
must_check int firewall_iptables_names(struct string_list *names);
/* True if any variant has rules for this name. */
bool firewall_iptables_exists(const char *name, uint8_t family);

#endif
