/* Installs and removes the rules of a default route: see quick/plan/firewall_text.h. */
#ifndef WG_QUICK_FIREWALL_H
#define WG_QUICK_FIREWALL_H

#include "quick/plan/step.h"

/* What this host has for an interface of this name. */
enum firewall_tool firewall_choose(const char *name);
bool firewall_nft_can_name(const char *name); /* nft has no words for "=" and "+" */

/* 0, or -errno after saying why on stderr. */
must_check int firewall_apply(const struct plan *p, const struct step *s);
/* Removes whatever carries this name, of either tool, whoever made it. */
void firewall_sweep(const char *name, struct text *trace);
/* True when nft has the table of this family. */
bool firewall_exists(const char *name, uint8_t family);

#endif
