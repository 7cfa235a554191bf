/* The text of a kill switch step: commands for nft and iptables-restore, the printed commands, and whether listed rules are
 * complete. */
#ifndef WG_QUICK_KILL_SWITCH_TEXT_H
#define WG_QUICK_KILL_SWITCH_TEXT_H

#include "step.h"

must_check bool kill_switches_add(struct kill_switches *l, const struct kill_switch *one);
/* Those that are in force after the step: p->kill_switches, and that of the step itself. */
must_check bool kill_switches_after(struct kill_switches *out, const struct plan *p, const struct step *s);

/* For `nft -f`: replaces the table, or deletes it if the list is empty. reject: false where the kernel can only drop packets. */
void kill_switch_nft_text(struct text *t, const struct kill_switches *l, bool reject);
/* For `iptables-restore -n`. saved: what iptables-save prints of the table filter; the null span: not known, so that no rule
 * leads to the chains yet, or one does if they are removed. */
void kill_switch_iptables_text(struct text *t, const struct kill_switches *l, uint8_t family, struct span saved);
void kill_switch_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

#define KILL_SWITCH_NEXT_FAMILY '\f' /* between what iptables-save and ip6tables-save print */
/* True if the rules, as `nft list table`, or iptables-save and ip6tables-save print them, are there, each chain to its end, and let
 * the packets of this tunnel pass. */
bool kill_switch_is_complete(struct span listed, enum firewall_tool tool, const struct kill_switch *one);

#endif
