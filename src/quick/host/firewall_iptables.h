/* The firewall rules of a default route in iptables: those with the comment "wg-quick(8) rule for NAME". */
#ifndef WG_QUICK_FIREWALL_IPTABLES_H
#define WG_QUICK_FIREWALL_IPTABLES_H

#include "quick/plan/step.h"

bool iptables_is_installed(void);
must_check int firewall_iptables_apply(const struct plan *p, const struct step *s);
void firewall_iptables_sweep(const char *name, struct text *trace);

#endif
