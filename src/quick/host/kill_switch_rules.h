/* Sets the rules of the kill switch, which plan/kill_switch.h describes. */
#ifndef WG_QUICK_KILL_SWITCH_RULES_H
#define WG_QUICK_KILL_SWITCH_RULES_H

#include "quick/plan/step.h"

/* Performs the step; p->kill_switches are those of the other tunnels. 0, or -errno with the reason in why[]. */
must_check int kill_switch_perform(const struct plan *p, const struct step *s, char why[256]);
/* Appends the rules, as the tool prints them; none: nothing. 0 or -errno: they are not known. */
must_check int kill_switch_list(enum firewall_tool tool, struct text *out);

/* The rules are those of this tunnel, too. False if it is not known. */
bool kill_switch_has(enum firewall_tool tool, const char *name);

/* The tables that iptables-nft would make, as in struct step_kill_switch. */
uint8_t kill_switch_missing_tables(void);

#endif
