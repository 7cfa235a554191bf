/* The kill switch: firewall rules that reject all packets that would leave this network namespace outside its tunnels. One
 * set of rules for all tunnels that have it, which is replaced whenever one of them is added, changed or removed: the table
 * "inet wgsuite-killswitch" of nft, or the chains WGSUITE-KILL-OUT and WGSUITE-KILL-FWD of iptables. */
#ifndef WG_QUICK_KILL_SWITCH_H
#define WG_QUICK_KILL_SWITCH_H

#include "host_state.h"
#include "kill_switch_text.h"

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

/* True if default routes or a kill switch must distinguish the encrypted packets from others. */
bool tunnel_needs_mark(const struct tunnel_file *f, const struct host_state *s);

#endif
