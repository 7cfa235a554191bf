/* The text of a firewall step: commands for nft and iptables-restore, and the printed command.
 *
 * The rules of a default route drop packets from other interfaces to the tunnel's addresses, and make
 * replies to marked packets carry the mark. They are in nft's table "wg-quick-NAME", or are iptables
 * rules with the comment "wg-quick(8) rule for NAME". */
#ifndef WG_QUICK_FIREWALL_TEXT_H
#define WG_QUICK_FIREWALL_TEXT_H

#include "step.h"

/* For `nft -f`. */
void firewall_nft_text(struct text *t, const struct plan *p, const struct step *s);
/* For `iptables-restore -n`. */
void firewall_iptables_text(struct text *t, const struct plan *p, const struct step *s);
void firewall_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);

const char *nft_family_name(uint8_t family);          /* "ip" or "ip6" */
const char *iptables_restore_program(uint8_t family); /* "iptables-restore" or "ip6tables-restore" */

#endif
