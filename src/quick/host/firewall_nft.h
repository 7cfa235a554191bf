/* The firewall rules of a default route in nftables: one table per family, "wg-quick-NAME". */
#ifndef WG_QUICK_FIREWALL_NFT_H
#define WG_QUICK_FIREWALL_NFT_H

#include "quick/plan/step.h"

/* False: nft's syntax cannot express this interface name, which has a "=" or "+". */
bool nft_can_name(const char *name);

must_check int firewall_nft_apply(const struct plan *p, const struct step *s);
bool firewall_nft_exists(const char *name, uint8_t family);
void firewall_nft_sweep(const char *name, struct text *trace);

#endif
