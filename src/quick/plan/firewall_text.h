/* The text of a firewall step: commands for nft and iptables-restore, and the printed command.
 *
 * The rules of a default route drop packets from other interfaces to the tunnel's addresses, and make
 * replies to packets of the tunnel carry its mark, while other marks stay. They are in nft's table "wg-quick-NAME", or are iptables
 * rules with the comment "wg-quick(8) rule for NAME". */
#ifndef WG_QUICK_FIREWALL_TEXT_H
#define WG_QUICK_FIREWALL_TEXT_H

#include "step.h"

/* For `nft -f`. */
void firewall_nft_text(struct text *t, const struct plan *p, const struct step *s);
/* For `iptables-restore -n`: replaces the existing rules, or removes them. existing: lines of iptables-save with the
 * tunnel's rules and their tables; the null span: not known, so that the rules to be removed are those of the plan. */
void firewall_iptables_text(struct text *t, const struct plan *p, const struct step *s, struct span existing);
void firewall_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

/* Adds the names of tunnels, each once, that have rules in what `nft list tables` or iptables-save prints. False: out of
 * memory. */
must_check bool firewall_names(struct string_list *names, struct span listed, enum firewall_tool tool);
/* Appends the lines of iptables-save with the tunnel's rules, and the names of their tables. */
void firewall_iptables_filter(struct text *t, struct span saved, const char *name);
/* True if there are rules, as the tool lists them, and one for each of these addresses of the family. */
bool firewall_protects(struct span rules, enum firewall_tool tool, const struct addresses *guarded, uint8_t family);
/* True if these rules and those for the mark are all there, none of them twice. */
bool firewall_is_complete(struct span rules, enum firewall_tool tool, const struct addresses *guarded, uint8_t family);

const char *nft_family_name(uint8_t family);          /* "ip" or "ip6" */
const char *iptables_restore_program(uint8_t family); /* "iptables-restore" or "ip6tables-restore" */

#endif
