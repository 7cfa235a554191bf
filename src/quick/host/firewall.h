/* The firewall of a default route: strangers on other interfaces may not speak to the tunnel's
 * addresses, and answers to marked packets carry the mark. Table "wg-quick-NAME" of nft, or
 * iptables rules with the comment "wg-quick(8) rule for NAME". reference/wg-behaviour.md B4. */
#ifndef WG_QUICK_FIREWALL_H
#define WG_QUICK_FIREWALL_H

#include "quick/plan/step.h"

enum firewall_tool { FIREWALL_NONE, FIREWALL_NFT, FIREWALL_IPTABLES };

/* What this host has for an interface of this name. */
enum firewall_tool firewall_choose(const char *name);
bool firewall_nft_can_name(const char *name); /* nft has no words for "=" and "+" */

/* Pure: the text for `nft -f` and for `iptables-restore -n`. */
void firewall_nft_text(struct text *t, const struct plan *p, const struct step *s);
void firewall_iptables_text(struct text *t, const struct plan *p, const struct step *s);
void firewall_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

/* 0, or -errno after saying why on stderr. */
must_check int firewall_apply(const struct plan *p, const struct step *s);
/* Removes whatever carries this name, of either tool, whoever made it. */
void firewall_sweep(const char *name, struct text *trace);
/* True when nft has the table of this family. */
bool firewall_exists(const char *name, uint8_t family);

#endif
