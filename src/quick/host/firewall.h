/* Installs and removes the firewall rules of a default route, which plan/firewall_text.h describes. */
#ifndef WG_QUICK_FIREWALL_H
#define WG_QUICK_FIREWALL_H

#include "quick/plan/step.h"

/* The tool that can set rules for an interface of this name on this host. */
enum firewall_tool firewall_choose(const char *name);

/* Performs a firewall step. 0, or -errno; failures to install are reported. */
must_check int firewall_apply(const struct plan *p, const struct step *s);

/* True when nft has the table of this interface and family. */
bool firewall_exists(const char *name, uint8_t family);
/* Removes the rules for this interface name, of nft and of iptables, no matter which program set them. */
void firewall_sweep(const char *name, struct text *trace);

#endif
