/* The firewall rules of a default route in nftables: one table per family, "wg-quick-NAME". Functions that return int return
 * 0 or -errno. */
#ifndef WG_QUICK_FIREWALL_NFT_H
#define WG_QUICK_FIREWALL_NFT_H

#include "base/vector.h"
#include "quick/plan/step.h"

/* False: nft's syntax cannot express this interface name, which has a "=" or "+". */
bool nft_can_name(const char *name);

/* Replaces the table; why[] receives the reason of an error. */
must_check int firewall_nft_set(const struct plan *p, const struct step *s, char why[256]);
/* Removes the table, if there is one; trace: receives the command unless the caller has traced it, may be null. */
must_check int firewall_nft_remove(const char *name, uint8_t family, bool traced, struct text *trace, char why[256]);
/* Adds the names of the interfaces that have a table. 0, also where there is no nft or the kernel does not support it, or
 * -errno. */
must_check int firewall_nft_names(struct string_list *names);
/* Appends the table as nft lists it: nothing if it does not exist. */
must_check int firewall_nft_list(const char *name, uint8_t family, struct text *out);

#endif
