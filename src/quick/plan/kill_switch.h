/* The kill switch: firewall rules that reject all packets that would leave this network namespace outside its tunnels. One
 * set of rules for all tunnels that have it, which is made anew whenever one of them is added, changed or removed: the table
 * "inet wgsuite-killswitch" of nft, or the chains WGSUITE-KILL-OUT and WGSUITE-KILL-FWD of iptables. */
#ifndef WG_QUICK_KILL_SWITCH_H
#define WG_QUICK_KILL_SWITCH_H

#include "host_state.h"

/* ---- the steps ---- */

/* The first step of `up`, if the file wants a kill switch. The firewall and the mark were inspected. 0 or -ENOMEM. */
must_check int plan_kill_switch(struct plan *p, const struct tunnel_file *f, const struct host_state *s);
/* The mark is another one than the first step expected, for example that of a PreUp hook. */
must_check int plan_kill_switch_mark(struct plan *p, uint32_t mark);
/* All tunnels use the same tool: that of those that have a kill switch already. */
enum firewall_tool kill_switch_tool(const struct kill_switches *others, enum firewall_tool tool);
/* The tables that the first of all tunnels made. */
uint8_t kill_switch_new_tables(const struct host_state *s);
/* Copies the kill switches of other tunnels, which the printed commands contain. */
must_check int plan_add_kill_switches(struct plan *p, const struct kill_switches *others);
must_check bool kill_switches_add(struct kill_switches *l, const struct kill_switch *one);

/* The encrypted packets must be told from others: by default routes, or by a kill switch. */
bool tunnel_needs_mark(const struct tunnel_file *f, const struct host_state *s);

/* ---- the text ---- */

/* Those that are in force after the step: p->kill_switches, and that of the step itself. */
must_check bool kill_switches_after(struct kill_switches *out, const struct plan *p, const struct step *s);

/* For `nft -f`: replaces the table, or deletes it if there are none. */
void kill_switch_nft_text(struct text *t, const struct kill_switches *l);
/* For `iptables-restore -n`. saved: what iptables-save prints of the table filter; the null span: not known, so that no rule
 * leads to the chains yet, or one does if they are removed. */
void kill_switch_iptables_text(struct text *t, const struct kill_switches *l, uint8_t family, struct span saved);
void kill_switch_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

/* True if the rules, as `nft list table` or iptables-save prints them, are there and let the packets of this tunnel pass. */
bool kill_switch_is_complete(struct span listed, enum firewall_tool tool, const struct kill_switch *one);

#endif
